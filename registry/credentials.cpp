#include "registry/credentials.hpp"

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "registry/base64.hpp"
#include "registry/credential_helper.hpp"
#include "registry/registries_conf.hpp"

namespace registry {

namespace {

std::string checked_helper_name(const base::JsonAt& json) {
  std::string name = json.string();
  if (!name.empty() && !is_helper_name(name)) throw json.error("is no name of a credential helper");
  return name;
}

/// One member of "auths"; nothing when it is empty, as it is beside a credsStore.
std::optional<Credentials> parse_entry(const base::JsonAt& entry) {
  if (const std::string token = entry.string_or("identitytoken", ""); !token.empty())
    return Credentials{.user = {}, .password = {}, .identity_token = token};
  const std::string encoded = entry.string_or("auth", "");
  if (encoded.empty()) return std::nullopt;
  const std::optional<std::string> decoded = base64_decode(encoded);
  const auto parts = decoded ? base::split_once(*decoded, ':') : std::nullopt;
  if (!parts) throw entry.error("has an auth that is not base64 of USER:PASSWORD");
  // docker pads the password with NULs.
  const std::string_view password = parts->second.substr(0, parts->second.find_last_not_of('\0') + 1);
  return Credentials{.user = std::string{parts->first}, .password = std::string{password}, .identity_token = {}};
}

std::optional<Credentials> find_in_auths(const base::JsonAt& auths, std::string_view domain, std::string_view path) {
  for (const std::string& key : credential_keys(domain, path)) {
    if (const auto entry = auths.find(key)) {
      if (auto credentials = parse_entry(*entry)) return credentials;
    }
  }
  for (const auto& [key, entry] : auths.members()) {
    const std::optional<std::string> host = host_of_legacy_key(key);
    if (!host || *host != domain) continue;
    if (auto credentials = parse_entry(entry)) return credentials;
  }
  return std::nullopt;
}

/// The helper of the most specific key.
std::string find_helper(const base::JsonAt& helpers, std::string_view domain, std::string_view path) {
  for (const std::string& key : credential_keys(domain, path)) {
    if (const auto helper = helpers.find(key)) return checked_helper_name(*helper);
  }
  for (const auto& [key, helper] : helpers.members()) {
    if (host_of_legacy_key(key) == std::string{domain}) return checked_helper_name(helper);
  }
  return {};
}

std::optional<Credentials> find_in_file(const std::string& file, const std::string& text, std::string_view domain,
                                        std::string_view path) {
  AuthFileAnswer answer = read_auth_file(text, file, domain, path);
  if (answer.credentials || answer.helper.empty()) return answer.credentials;
  return ask_credential_helper(answer.helper, helper_server(domain));
}

std::optional<Credentials> find_in_files(const std::vector<std::string>& files, std::string_view domain,
                                         std::string_view path) {
  for (const std::string& file : files) {
    const std::optional<std::string> text = base::try_read_host_file(file, max_auth_file_bytes);
    if (!text) continue;
    if (auto credentials = find_in_file(file, *text, domain, path)) return credentials;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> credential_keys(std::string_view domain, std::string_view path) {
  std::vector<std::string> keys;
  while (!path.empty()) {
    keys.push_back(base::concat(domain, "/", path));
    const std::size_t slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  }
  keys.emplace_back(domain);
  return keys;
}

std::optional<std::string> host_of_legacy_key(std::string_view key) {
  const std::size_t scheme = key.find("://");
  const bool is_url = scheme != std::string_view::npos;
  if (is_url) key.remove_prefix(scheme + 3);
  const std::size_t slash = key.find('/');
  const std::string_view host = key.substr(0, slash);
  const std::string_view path = slash == std::string_view::npos ? std::string_view{} : key.substr(slash);
  const bool is_api_path =
      path.empty() || path == "/" || path == "/v1" || path == "/v1/" || path == "/v2" || path == "/v2/";
  if (host.empty() || !is_api_path) return std::nullopt;
  if (host == "index.docker.io" || host == "registry-1.docker.io") return "docker.io";
  return std::string{host};
}

base::JsonAt parse_auth_file(std::string_view text, const std::string& file) {
  try {
    base::JsonAt json = base::JsonAt::parse(text, base::concat(base::quoted(file)), {max_auth_file_bytes, 16});
    if (!json.is_object()) throw json.error("is not an object");
    return json;
  } catch (base::Error& damaged) {
    throw std::move(damaged).with_hint("repair or remove the file: it was not changed");
  }
}

AuthFileAnswer read_auth_file(std::string_view text, const std::string& file, std::string_view domain,
                              std::string_view path) {
  if (base::trim(text).empty()) return {};
  const base::JsonAt json = parse_auth_file(text, file);
  AuthFileAnswer answer;
  if (const auto helpers = json.find("credHelpers")) answer.helper = find_helper(*helpers, domain, path);
  if (!answer.helper.empty()) return answer;
  if (const auto auths = json.find("auths")) answer.credentials = find_in_auths(*auths, domain, path);
  if (answer.credentials) return answer;
  if (const auto store = json.find("credsStore")) answer.helper = checked_helper_name(*store);
  return answer;
}

std::optional<Credentials> find_credentials(std::string_view domain, std::string_view path,
                                            const RegistryOptions& options) {
  if (!options.credentials.empty()) return parse_credentials_option(options.credentials);
  if (!options.auth_file.empty()) {
    const std::optional<std::string> text = base::try_read_host_file(options.auth_file, max_auth_file_bytes);
    if (!text)
      throw base::make_error(base::ErrorKind::not_found, "auth file ", base::quoted(options.auth_file),
                             " does not exist");
    return find_in_file(options.auth_file, *text, domain, path);
  }
  for (const std::string& helper : load_registries_conf(options.registries_conf).credential_helpers) {
    auto credentials = helper == auth_files_helper ? find_in_files(options.auth_files, domain, path)
                                                   : ask_credential_helper(helper, helper_server(domain));
    if (credentials) return credentials;
  }
  return std::nullopt;
}

Credentials parse_credentials_option(std::string_view text) {
  const auto parts = base::split_once(text, ':');
  if (!parts || parts->first.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--creds is not USER:PASSWORD");
  return {.user = std::string{parts->first}, .password = std::string{parts->second}, .identity_token = {}};
}

}  // namespace registry
