#include "engine/secrets.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "rootless/host_facts.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

/// Sorted by key, as Go prints maps.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& word : words) {
    const auto split = base::split_once(word, '=');
    const std::string key{split ? split->first : std::string_view{word}};
    std::erase_if(pairs, [&](const auto& pair) { return pair.first == key; });
    pairs.emplace_back(key, split ? split->second : std::string_view{});
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::string read_source(const SecretCreateOptions& options) {
  if (options.from_environment) {
    if (auto value = rootless::environment(options.source.c_str())) return std::move(*value);
    throw make_error(ErrorKind::not_found, "the variable ", quoted(options.source), " is not set");
  }
  base::UniqueFd file;
  if (options.source != "-") {
    file = base::UniqueFd{::open(options.source.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) throw base::os_error("opening ", quoted(options.source));
  }
  try {
    return base::read_to_end(file ? file.get() : STDIN_FILENO, storage::max_secret_bytes);
  } catch (const base::Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return std::string(storage::max_secret_bytes, '\0');  // too long, which is told below
  }
}

void check(const SecretCreateOptions& options) {
  if (options.driver != "file")
    throw make_error(ErrorKind::unsupported, "secret driver ", quoted(options.driver), " is not supported")
        .with_hint("file is the only one");
  if (!storage::is_secret_name(options.name))
    throw make_error(ErrorKind::invalid_argument, "invalid secret name ", quoted(options.name))
        .with_hint("at most 64 of a-z, A-Z, 0-9, '-', '_' and '.', with a letter or digit first and last");
  for (const std::string& word : options.labels)
    if (word.find('=') == std::string::npos)
      throw make_error(ErrorKind::invalid_argument, "--label ", quoted(word), " is not KEY=VALUE");
}

base::Error no_such_secret(const std::string& text) {
  return make_error(ErrorKind::not_found, "no secret with name or id ", quoted(text), ": no such secret");
}

}  // namespace

std::string create_secret(Engine& engine, const SecretCreateOptions& options) {
  check(options);
  constexpr std::size_t id_digits = 25;
  storage::Secret secret{.id = base::random_hex(id_digits / 2 + 1).substr(0, id_digits),
                         .name = options.name,
                         .created = base::format_rfc3339(base::now()),
                         .updated = {},
                         .labels = pairs_of(options.labels),
                         .driver_options = pairs_of(options.driver_options)};
  secret.updated = secret.created;
  const std::string data = read_source(options);
  if (data.empty() || data.size() >= storage::max_secret_bytes)
    throw make_error(ErrorKind::invalid_argument, "secret data must be larger than 0 and less than 512000 bytes");
  if (!storage::create_secret(engine.store(), secret, data, options.replace) && !options.ignore)
    throw make_error(ErrorKind::already_exists, "secret ", quoted(options.name), ": secret name in use")
        .with_hint("--replace puts this one in its place");
  return require_secret(engine, options.name).id;
}

std::vector<storage::Secret> secrets(Engine& engine, const std::vector<std::string>& filters) {
  std::vector<std::string> names, ids;
  for (const std::string& filter : filters) {
    const auto pair = base::split_once(filter, '=');
    if (!pair || (pair->first != "name" && pair->first != "id"))
      throw make_error(ErrorKind::invalid_argument, "invalid filter ", quoted(filter))
          .with_hint("name=PART or id=BEGINNING");
    (pair->first == "name" ? names : ids).emplace_back(pair->second);
  }
  std::vector<storage::Secret> wanted = storage::list_secrets(engine.store());
  std::erase_if(wanted, [&](const storage::Secret& secret) {
    const auto has = [&](const std::string& part) { return secret.name.find(part) != std::string::npos; };
    const auto begins = [&](const std::string& start) { return secret.id.starts_with(start); };
    return (!names.empty() && std::none_of(names.begin(), names.end(), has)) ||
           (!ids.empty() && std::none_of(ids.begin(), ids.end(), begins));
  });
  return wanted;
}

storage::Secret require_secret(Engine& engine, const std::string& text) {
  auto secret = storage::find_secret(engine.store(), text);
  if (!secret) throw no_such_secret(text);
  return std::move(*secret);
}

bool secret_exists(Engine& engine, const std::string& text) {
  return storage::find_secret(engine.store(), text).has_value();
}

std::string remove_secret(Engine& engine, const std::string& text) {
  const storage::Secret secret = require_secret(engine, text);
  if (!storage::remove_secret(engine.store(), secret)) throw no_such_secret(text);
  return secret.id;
}

std::string inspect_secret(Engine& engine, const storage::Secret& secret, bool with_data) {
  base::JsonWriter json;
  json.begin_object().member("ID", secret.id);
  json.member("CreatedAt", secret.created).member("UpdatedAt", secret.updated);
  json.key("Spec").begin_object().member("Name", secret.name);
  json.key("Driver").begin_object().member("Name", "file");
  auto options = secret.driver_options;
  options.emplace_back("path", concat(engine.store().root_path(), "/", storage::layout::secrets_folder));
  std::sort(options.begin(), options.end());
  json.member("Options", options);
  json.end_object();
  json.member("Labels", secret.labels);
  json.end_object();
  if (with_data) json.member("SecretData", storage::read_secret_data(engine.store(), secret));
  json.end_object();
  return json.take();
}

}  // namespace engine
