#include "registry/auth_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/lock.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"
#include "registry/base64.hpp"
#include "registry/credential_helper.hpp"

namespace registry {

namespace {

using Members = std::vector<std::pair<std::string, base::JsonAt>>;

/// @throws Error corrupt, when there is text that is not an object.
std::optional<base::JsonAt> parse_file(std::string_view text, const std::string& file) {
  if (base::trim(text).empty()) return std::nullopt;
  return parse_auth_file(text, file);
}

Members members_of(const std::optional<base::JsonAt>& json) {
  return json ? json->members() : Members{};
}

/// Whether an entry of "auths" is the one of `key`; a registry's own also in its old forms.
bool means_key(const std::string& entry, const std::string& key) {
  if (entry == key) return true;
  const std::optional<std::string> host = host_of_legacy_key(entry);
  return host && *host == key && entry.find('/') != std::string::npos;
}

void write_credentials(base::JsonWriter& json, const Credentials& credentials) {
  json.begin_object();
  const bool is_token = !credentials.identity_token.empty();
  json.member("auth", base64_encode(base::concat(credentials.user, ":", credentials.password)));
  if (is_token) json.member("identitytoken", credentials.identity_token);
  json.end_object();
}

/// The object "auths" anew: without what `is_dropped` says, and with one entry more when `added` says so.
template <class IsDropped, class Add>
void write_auths(base::JsonWriter& json, const std::optional<base::JsonAt>& auths, const IsDropped& is_dropped,
                 const Add& add) {
  json.key("auths").begin_object();
  for (const auto& [key, entry] : members_of(auths)) {
    if (!is_dropped(key)) json.key(key).raw(entry.dump());
  }
  add();
  json.end_object();
}

std::optional<base::JsonAt> find_in(const std::optional<base::JsonAt>& json, std::string_view key) {
  return json ? json->find(key) : std::nullopt;
}

/// The folder of a file of the user's, made when it is missing. @throws Error.
base::UniqueFd open_folder_of(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);  // with our umask, so for the user alone
  if (error)
    throw base::error_from_code(error.value(), base::concat("making the folder of ", base::quoted(file.string())));
  base::UniqueFd folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) throw base::os_error("opening the folder of ", base::quoted(file.string()));
  return folder;
}

}  // namespace

std::string login_key(std::string_view text) {
  std::string_view rest = base::trim(text);
  const std::optional<std::string> host = host_of_legacy_key(rest);
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) rest.remove_prefix(scheme + 3);
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const std::string key = host ? *host : std::string{rest};
  if (key.empty() || !oci::Reference::is_qualified(base::concat(key, "/x")))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " names no registry")
        .with_hint("a registry is a host name with a dot or a port: registry.example, myhost:5000");
  const oci::Reference inside = oci::Reference::parse(base::concat(key, "/x"));
  if (key.find('/') == std::string::npos) return inside.domain();
  return inside.repository().substr(0, inside.repository().size() - 2);
}

std::string domain_of_key(std::string_view key) {
  return std::string{key.substr(0, key.find('/'))};
}

std::string add_to_auth_file(std::string_view text, const std::string& file, const std::string& key,
                             const Credentials& credentials) {
  const std::optional<base::JsonAt> old = parse_file(text, file);
  base::JsonWriter json(2);
  json.begin_object();
  write_auths(
      json, find_in(old, "auths"), [&](const std::string& entry) { return means_key(entry, key); },
      [&] {
        json.key(key);
        write_credentials(json, credentials);
      });
  for (const auto& [name, value] : members_of(old)) {
    if (name != "auths") json.key(name).raw(value.dump());
  }
  return json.end_object().take() + "\n";
}

std::optional<std::string> remove_from_auth_file(std::string_view text, const std::string& file,
                                                 const std::string& key) {
  const std::optional<base::JsonAt> old = parse_file(text, file);
  const std::optional<base::JsonAt> auths = find_in(old, "auths");
  const Members entries = members_of(auths);
  if (std::none_of(entries.begin(), entries.end(), [&](const auto& entry) { return means_key(entry.first, key); }))
    return std::nullopt;
  base::JsonWriter json(2);
  json.begin_object();
  write_auths(
      json, auths, [&](const std::string& entry) { return means_key(entry, key); }, [] {});
  for (const auto& [name, value] : members_of(old)) {
    if (name != "auths") json.key(name).raw(value.dump());
  }
  return json.end_object().take() + "\n";
}

std::string clear_auth_file(std::string_view text, const std::string& file) {
  base::JsonWriter json(2);
  json.begin_object();
  json.key("auths").begin_object().end_object();
  for (const auto& [name, value] : members_of(parse_file(text, file))) {
    if (name != "auths" && name != "credHelpers") json.key(name).raw(value.dump());
  }
  return json.end_object().take() + "\n";
}

std::vector<HelperOfRegistry> helpers_of_auth_file(std::string_view text, const std::string& file) {
  std::vector<HelperOfRegistry> helpers;
  for (const auto& [key, helper] : members_of(find_in(parse_file(text, file), "credHelpers"))) {
    if (!is_helper_name(helper.string())) throw helper.error("is no name of a credential helper");
    helpers.push_back({key, helper.string()});
  }
  return helpers;
}

std::string store_of_auth_file(std::string_view text, const std::string& file) {
  const std::optional<base::JsonAt> store = find_in(parse_file(text, file), "credsStore");
  if (!store || store->string().empty()) return {};
  if (!is_helper_name(store->string())) throw store->error("is no name of a credential helper");
  return store->string();
}

std::string read_auth_file_text(const std::string& file) {
  if (auto text = base::try_read_host_file(file, max_auth_file_bytes)) return *std::move(text);
  if (::access(file.c_str(), F_OK) != 0 && errno != EACCES) return {};
  throw base::make_error(base::ErrorKind::permission, "the logins in ", base::quoted(file), " cannot be read")
      .with_hint("make it readable, or name another file with --authfile");
}

void edit_auth_file(const std::string& file, const AuthFileEdit& edit) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(file, error);    // has a folder, unlike "auth.json"
  std::filesystem::path path = std::filesystem::weakly_canonical(whole, error);  // where a link leads, it is written
  if (error) path = whole;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(file), " is no file to keep logins in");
  const base::UniqueFd folder = open_folder_of(path);
  const std::string name = path.filename();
  base::with_context(
      [&] {
        const base::FileLock lock =
            base::FileLock::acquire(folder.get(), base::concat('.', name, ".lock"), base::FileLock::Mode::exclusive);
        if (const auto text = edit(read_auth_file_text(path))) base::write_file_atomically(folder.get(), name, *text);
      },
      "writing ", base::quoted(file));
}

}  // namespace registry
