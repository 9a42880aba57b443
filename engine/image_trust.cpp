#include "engine/image_trust.hpp"

#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <optional>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/config_files.hpp"
#include "engine/image_policy.hpp"
#include "engine/signature_places.hpp"
#include "registry/gpg.hpp"
#include "registry/policy.hpp"

namespace engine {
namespace {

using Kind = registry::PolicyRequirement::Kind;
constexpr std::size_t max_policy_bytes = 1024 * 1024, max_key_bytes = 1024 * 1024;
constexpr mode_t readable_by_all = 0644;

std::string type_of(const registry::PolicyRequirement& requirement) {
  if (requirement.kind == Kind::accept) return "accept";
  if (requirement.kind == Kind::gpg_signed) return "signed";
  return requirement.kind == Kind::not_supported ? requirement.type.substr(0, requirement.type.find(' '))
                                                 : requirement.type;
}

/// Whose keys these are; a key that cannot be read is told to the user, and leaves the others as they are.
std::string holders_of(const registry::PolicyRequirement& requirement) {
  if (requirement.kind == Kind::sigstore_signed) return "N/A";
  if (requirement.kind != Kind::gpg_signed) return {};
  std::vector<std::string> keys = requirement.key_texts;
  try {
    for (const std::string& path : requirement.key_paths) {
      auto text = base::try_read_host_file(path, max_key_bytes);
      if (!text) throw base::make_error(base::ErrorKind::not_found, "the key ", base::quoted(path), " cannot be read");
      keys.push_back(std::move(*text));
    }
    return base::join(registry::GpgKeys(keys).user_ids(), ", ");
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, error.message());
    return {};
  }
}

/// Of the section for that scope, or for one above it.
std::string store_of(const registry::RegistriesD& conf, const std::string& transport, std::string scope) {
  while (transport == "docker" && !scope.empty()) {
    if (const auto found = conf.docker.find(scope); found != conf.docker.end() && !found->second.lookaside.empty())
      return found->second.lookaside;
    const std::size_t cut = scope.find_last_of("/:@");
    if (cut == std::string::npos) break;
    scope.resize(cut);
  }
  return conf.fallback ? conf.fallback->lookaside : "";
}

std::string read_policy(const Engine& engine, const TrustFiles& files, std::string& path) {
  path = files.policy.empty() ? policy_file(engine).value_or("") : files.policy;
  if (path.empty())
    throw base::Error(base::ErrorKind::not_found, "there is no policy.json: every image is accepted")
        .with_hint("engine image trust set --type accept default makes one");
  auto text = base::try_read_host_file(path, max_policy_bytes);
  if (!text) throw base::make_error(base::ErrorKind::not_found, base::quoted(path), " cannot be read");
  return std::move(*text);
}

registry::RegistriesD places_of(const Engine& engine, const TrustFiles& files) {
  return files.registries.empty() ? load_registries_d(engine) : load_registries_d(files.registries);
}

/// A place of a registry: its host, and what may follow in a name.
void require_scope(const std::string& scope) {
  if (scope == "default") return;
  const std::string host = scope.starts_with("*.") ? scope.substr(2) : scope;
  const std::string name = host.find('/') == std::string::npos ? host + "/any" : host;
  if (!oci::Reference::is_qualified(name))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(scope),
                           " is neither \"default\" nor a registry, repository or image");
  oci::Reference::parse(name);
}

void write_requirement(base::JsonWriter& json, const SetTrustOptions& options, const std::string& key) {
  json.begin_object();
  if (options.type == "accept" || options.type == "reject") {
    json.member("type", std::string{options.type == "accept" ? "insecureAcceptAnything" : "reject"});
  } else {
    json.member("type", options.type);
    if (options.type == "signedBy") json.member("keyType", "GPGKeys");
    json.member("keyPath", std::filesystem::absolute(key).lexically_normal().string());
  }
  json.end_object();
}

void write_requirements(base::JsonWriter& json, const SetTrustOptions& options) {
  json.begin_array();
  if (options.key_files.empty()) write_requirement(json, options, "");
  for (const std::string& key : options.key_files) write_requirement(json, options, key);
  json.end_array();
}

/// As it was, in the same indentation as what is new.
void write_value(base::JsonWriter& json, const base::JsonAt& value) {
  if (value.is_object()) {
    json.begin_object();
    for (const auto& [name, member] : value.members()) write_value(json.key(name), member);
    json.end_object();
  } else if (value.is_array()) {
    json.begin_array();
    for (const base::JsonAt& element : value.array()) write_value(json, element);
    json.end_array();
  } else {
    json.raw(value.dump());
  }
}

/// The members of `object`, where there is one, with `name` replaced or put at the end.
void write_with(base::JsonWriter& json, const std::optional<base::JsonAt>& object, const std::string& name,
                const std::function<void(const std::optional<base::JsonAt>& before)>& write) {
  json.begin_object();
  bool is_written = false;
  if (object)
    for (const auto& [key, value] : object->members()) {
      json.key(key);
      if (key == name)
        write(value), is_written = true;
      else
        write_value(json, value);
    }
  if (!is_written) {
    json.key(name);
    write(std::nullopt);
  }
  json.end_object();
}

std::string with_requirements(const std::optional<base::JsonAt>& before, const SetTrustOptions& options) {
  base::JsonWriter json{4};
  if (options.scope == "default") {
    write_with(json, before, "default", [&](const auto&) { write_requirements(json, options); });
  } else {
    write_with(json, before, "transports", [&](const auto& transports) {
      write_with(json, transports, "docker", [&](const auto& scopes) {
        write_with(json, scopes, options.scope, [&](const auto&) { write_requirements(json, options); });
      });
    });
  }
  return json.take() + "\n";
}

std::string own_policy_path(const Engine& engine) {
  const ConfigFolders folders = config_folders(engine.host);
  if (engine.host.uid != 0) return folders.user + "/policy.json";
  return policy_file(engine).value_or(folders.system + "/policy.json");
}

void check_options(const SetTrustOptions& options) {
  require_scope(options.scope);
  const bool needs_keys = options.type == "signedBy" || options.type == "sigstoreSigned";
  if (needs_keys && options.key_files.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "at least one public key must be defined for type ",
                           base::quoted(options.type))
        .with_hint("--pubkeysfile names the file of a public key");
  if (!needs_keys && !options.key_files.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "keys are for the types signedBy and sigstoreSigned");
  for (const std::string& key : options.key_files)
    if (!base::try_read_host_file(key, max_key_bytes))
      throw base::make_error(base::ErrorKind::not_found, "the key ", base::quoted(key), " cannot be read");
}

}  // namespace

std::vector<TrustEntry> show_trust(Engine& engine, const TrustFiles& files) {
  std::string path;
  const std::string text = read_policy(engine, files, path);
  const registry::Policy policy = registry::parse_policy(text, path);
  const registry::RegistriesD places = places_of(engine, files);
  std::vector<TrustEntry> entries;
  const auto add = [&](const std::string& transport, const std::string& scope, const std::string& name,
                       const registry::PolicyRequirements& requirements) {
    for (const registry::PolicyRequirement& requirement : requirements)
      entries.push_back({transport == "docker" ? "repository" : transport, name, type_of(requirement),
                         holders_of(requirement), store_of(places, transport, scope)});
  };
  add("all", "", "default", policy.fallback);
  for (const auto& [transport, scopes] : policy.transports)
    for (const auto& [scope, requirements] : scopes) add(transport, scope, scope, requirements);
  return entries;
}

std::string raw_trust(Engine& engine, const TrustFiles& files) {
  std::string path;
  return read_policy(engine, files, path);
}

void set_trust(Engine& engine, const SetTrustOptions& options) {
  check_options(options);
  const std::string path = options.files.policy.empty() ? own_policy_path(engine) : options.files.policy;
  const std::string source = options.files.policy.empty() ? policy_file(engine).value_or("") : path;
  const auto text = source.empty() ? std::nullopt : base::try_read_host_file(source, max_policy_bytes);
  std::optional<base::JsonAt> before;
  if (text) {
    registry::parse_policy(*text, source);
    before = base::JsonAt::parse(*text, source, {max_policy_bytes, 16});
  } else if (options.scope != "default") {
    throw base::Error(base::ErrorKind::invalid_argument, "default trust policy must be set")
        .with_hint("engine image trust set --type reject default, or accept, comes first");
  }
  const std::string written = with_requirements(before, options);
  registry::parse_policy(written, path);
  const std::filesystem::path file{path};
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  const base::UniqueFd folder =
      base::open_directory(AT_FDCWD, file.has_parent_path() ? file.parent_path().string() : ".");
  base::write_file_atomically(folder.get(), file.filename().string(), written, base::Durability::flushed,
                              readable_by_all);
}

}  // namespace engine
