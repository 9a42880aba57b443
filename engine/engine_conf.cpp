#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/config.hpp"
#include "engine/duration.hpp"
#include "engine/mode.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/toml_file.hpp"

// engine.conf: what we alone have, so that no other tool complains about it in a file that it shares with us.

namespace engine {
namespace {

constexpr std::string_view keep_blobs_key = "pull.keep_blobs", unpack_table = "unpack.";
constexpr std::string_view wait_key = "userns.wait_below_entries";

base::Error invalid(const std::string& what, std::string_view key, const std::string& problem) {
  return base::make_error(base::ErrorKind::invalid_argument, what, ": ", key, ' ', problem);
}

const storage::UnpackLimit* find_limit(std::string_view key) {
  if (!key.starts_with(unpack_table)) return nullptr;
  const auto named = [&](const storage::UnpackLimit& limit) { return limit.name == key.substr(unpack_table.size()); };
  const auto limit = std::find_if(storage::unpack_limits.begin(), storage::unpack_limits.end(), named);
  return limit == storage::unpack_limits.end() ? nullptr : &*limit;
}

/// A number, or a text with a unit.
std::optional<std::uint64_t> size_in(const TomlFile& file, std::string_view key) {
  if (const std::optional<std::int64_t> number = file.integer(key))
    return *number < 0 ? std::nullopt : std::optional{static_cast<std::uint64_t>(*number)};
  const std::optional<std::string> text = file.string(key);
  return text ? base::parse_size(*text) : std::nullopt;
}

/// [network]: times, the least speed, and where redirects may lead.
bool apply_network(Config& config, const TomlFile& file, std::string_view key, const std::string& what) {
  const auto seconds = [&](std::chrono::seconds& target) {
    const auto text = file.string(key);
    const auto time = text ? parse_duration(*text) : std::nullopt;
    if (!time || *time < std::chrono::seconds{1} || *time > std::chrono::hours{1})
      throw invalid(what, key, "is not a time from \"1s\" to \"1h\"");
    target = std::chrono::duration_cast<std::chrono::seconds>(*time);
    return true;
  };
  if (key == "network.connect_timeout") return seconds(config.network.connect);
  if (key == "network.first_byte_timeout") return seconds(config.network.first_byte);
  if (key == "network.slow_timeout") return seconds(config.network.slow);
  if (key == "network.private_redirects") {
    const std::optional<bool> value = file.boolean(key);
    if (!value) throw invalid(what, key, "is neither true nor false");
    config.network.private_redirects = *value;
    return true;
  }
  if (key != "network.min_bytes_per_second") return false;
  const std::optional<std::uint64_t> value = size_in(file, key);
  if (!value || *value > 1024 * 1024) throw invalid(what, key, "is not a number from 0 to 1048576");
  config.network.least_bytes_per_second = static_cast<std::uint32_t>(*value);
  return true;
}

/// [mode]: rungs that are forced, and what must not fall back.
bool apply_mode_table(Config& config, const TomlFile& file, std::string_view key, const std::string& what) {
  if (key == "mode.ids") {
    const auto value = file.string(key);
    if (value != "single" && value != "auto") throw invalid(what, key, "is neither \"auto\" nor \"single\"");
    config.mode.single_id = value == "single";
    return true;
  }
  if (key == "mode.root_emulation") {
    const auto value = file.boolean(key);
    if (!value) throw invalid(what, key, "is neither true nor false");
    config.mode.root_emulation = *value;
    return true;
  }
  if (key != "mode.without" && key != "mode.require") return false;
  const auto words = file.strings(key);
  if (!words) throw invalid(what, key, "is not a list of texts");
  if (key == "mode.require") {
    base::with_context([&] { check_require(*words); }, what);
    config.mode.require = *words;
    return true;
  }
  for (const std::string& word : *words)
    if (std::find(namespace_names().begin(), namespace_names().end(), word) == namespace_names().end())
      throw invalid(what, key, base::concat("may have ", base::join(namespace_names(), ", "), ", not ", word));
  config.mode.without = *words;
  return true;
}

}  // namespace

void apply_engine_conf(Config& config, std::string_view text, const std::string& what) {
  const TomlFile file = TomlFile::parse(text, what);
  for (const std::string& key : file.keys()) {
    if (key == keep_blobs_key) {
      const std::optional<bool> value = file.boolean(key);
      if (!value) throw invalid(what, key, "is neither true nor false");
      config.keep_blobs = *value;
    } else if (key == wait_key) {
      const std::optional<std::int64_t> value = file.integer(key);
      if (!value || *value < 0) throw invalid(what, key, "is not a number from 0 on");
      config.wait_below_entries = static_cast<std::uint64_t>(*value);
    } else if (const storage::UnpackLimit* limit = find_limit(key)) {
      const std::optional<std::uint64_t> value = size_in(file, key);
      if (!value || *value < limit->least || *value > limit->most)
        throw invalid(what, key, base::concat("is not a number from ", limit->least, " to ", limit->most))
            .with_hint("a text may have a unit, as in \"64GiB\"");
      config.unpack_limits.*limit->value = *value;
    } else if (!apply_network(config, file, key, what) && !apply_mode_table(config, file, key, what)) {
      throw invalid(what, key, "is not known").with_hint("engine config list shows what engine.conf may have");
    }
  }
}

}  // namespace engine
