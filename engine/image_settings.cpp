#include "engine/image_settings.hpp"

#include <cstdint>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "engine/toml_file.hpp"

namespace engine {
namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;
constexpr std::int64_t max_parallel_copies = 64, max_compression_level = 22;

base::Error wrong(const std::string& file, std::string_view key, std::string_view what) {
  return base::make_error(base::ErrorKind::invalid_argument, file, ": ", key, " is not ", what);
}

std::string checked_policy(const std::string& policy, const std::string& file) {
  for (const char* known : {"always", "missing", "newer", "never"})
    if (policy == known) return policy;
  throw wrong(file, "pull_policy", "one of always, missing, newer, never");
}

void apply(ImageSettings& settings, const TomlFile& toml, const std::string& file) {
  if (const auto policy = toml.string("engine.pull_policy"); policy && !policy->empty())
    settings.pull_policy = checked_policy(*policy, file);
  if (const auto copies = toml.integer("engine.image_parallel_copies"); copies && *copies != 0) {
    if (*copies < 0 || *copies > max_parallel_copies)
      throw wrong(file, "image_parallel_copies", "a number from 0 to 64");
    settings.parallel_copies = static_cast<std::size_t>(*copies);
  }
  if (const auto level = toml.integer("engine.compression_level")) {
    if (*level < 0 || *level > max_compression_level) throw wrong(file, "compression_level", "a number from 0 to 22");
    settings.compression_level = static_cast<unsigned>(*level);
  }
  if (const auto format = toml.string("engine.compression_format")) settings.compression_format = *format;
  if (const auto format = toml.string("engine.image_default_format"); format && !format->empty()) {
    if (*format != "oci" && *format != "docker" && *format != "v2s2")
      throw wrong(file, "image_default_format", "one of oci, docker, v2s2");
    settings.default_format = *format == "oci" ? "oci" : "docker";
  }
  if (const auto transport = toml.string("engine.image_default_transport"))
    settings.default_transport = *transport == "docker://" ? "" : *transport;
}

}  // namespace

ImageSettings load_image_settings(const Config& config) {
  ImageSettings settings;
  for (const std::string& file : config.containers_conf) {
    const auto text = base::try_read_host_file(file, max_file_bytes);
    if (text && mentions(*text, {"pull_policy", "image_parallel_copies", "compression_", "image_default_"}))
      apply(settings, TomlFile::parse(without_comments(*text), file), file);
  }
  return settings;
}

}  // namespace engine
