#include "engine/login.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/pull_source.hpp"
#include "registry/auth_file.hpp"
#include "registry/check_login.hpp"
#include "registry/credential_helper.hpp"
#include "registry/credentials.hpp"
#include "registry/registries_conf.hpp"

namespace engine {
namespace {

/// The registry of one command, and where its login is kept.
class LoginPlace {
 public:
  LoginPlace(const Engine& engine, const LoginOptions& options) : is_dockers_(!options.docker_file.empty()) {
    PullOptions same;
    same.tls_verify = options.tls_verify;
    same.cert_dir = options.cert_dir;
    registry_ = registry_options(engine, same);
    helpers_ = registry::load_registries_conf(registry_.registries_conf).credential_helpers;
    const std::string& only = is_dockers_ ? options.docker_file : options.auth_file;
    if (!only.empty()) registry_.auth_files = {only};
    if (!only.empty()) helpers_ = {std::string{registry::auth_files_helper}};
    if (!options.registry.empty()) key_ = registry::login_key(options.registry);
  }

  /// For commands that are about one registry.
  void choose_default() {
    if (!key_.empty()) return;
    const auto search = registry::load_registries_conf(registry_.registries_conf).unqualified_search;
    key_ = search && !search->empty() ? registry::login_key(search->front()) : "docker.io";
  }
  const std::string& key() const { return key_; }
  std::string domain() const { return registry::domain_of_key(key_); }
  std::string path() const { return key_.size() > domain().size() ? key_.substr(domain().size() + 1) : std::string{}; }
  const registry::RegistryOptions& options() const { return registry_; }
  const std::vector<std::string>& helpers() const { return helpers_; }
  const std::vector<std::string>& files() const { return registry_.auth_files; }
  /// docker knows its Hub by an address of old.
  std::string key_in_file() const { return is_dockers_ ? registry::helper_server(key_) : key_; }

  std::string keep(const registry::Credentials& credentials) const;
  bool forget() const;

 private:
  std::string keep_in_files(const registry::Credentials& credentials) const;
  bool forget_in_file(const std::string& file) const;
  void check_helper_can() const;

  bool is_dockers_;
  std::string key_;
  registry::RegistryOptions registry_;
  std::vector<std::string> helpers_;
};

bool is_auth_files(const std::string& helper) {
  return helper == registry::auth_files_helper;
}

void LoginPlace::check_helper_can() const {
  if (path().empty()) return;
  throw base::make_error(base::ErrorKind::unsupported, "credential helpers keep logins of whole registries, not of ",
                         base::quoted(key_));
}

std::string helper_of(const std::vector<registry::HelperOfRegistry>& helpers, const std::string& key) {
  for (const registry::HelperOfRegistry& entry : helpers) {
    if (entry.key == key || registry::host_of_legacy_key(entry.key) == key) return entry.helper;
  }
  return {};
}

/// The first file whose folder can be made: without a session there is no run folder that is ours.
std::string LoginPlace::keep_in_files(const registry::Credentials& credentials) const {
  for (std::size_t i = 0;; ++i) {
    const std::string& file = files()[i];
    const std::string text = registry::read_auth_file_text(file);
    std::string helper = helper_of(registry::helpers_of_auth_file(text, file), key_);
    if (helper.empty()) helper = registry::store_of_auth_file(text, file);
    if (!helper.empty()) {
      check_helper_can();
      registry::store_with_helper(helper, registry::helper_server(key_), credentials);
      return base::concat("credential helper ", helper);
    }
    try {
      registry::edit_auth_file(file, [&](const std::string& now) {
        return registry::add_to_auth_file(now, file, key_in_file(), credentials);
      });
      return file;
    } catch (const base::Error& error) {
      const bool has_next = i == 0 && files().size() > 1;
      if (error.kind() != base::ErrorKind::permission || !has_next) throw;
      base::log(base::LogLevel::warn, error.message(), "; the login is kept in ", files()[i + 1]);
    }
  }
}

std::string LoginPlace::keep(const registry::Credentials& credentials) const {
  const std::string& helper = helpers_.empty() ? std::string{registry::auth_files_helper} : helpers_.front();
  if (is_auth_files(helper)) return keep_in_files(credentials);
  check_helper_can();
  registry::store_with_helper(helper, registry::helper_server(key_), credentials);
  return base::concat("credential helper ", helper);
}

bool LoginPlace::forget_in_file(const std::string& file) const {
  const std::string text = registry::read_auth_file_text(file);
  std::string helper = helper_of(registry::helpers_of_auth_file(text, file), key_);
  if (helper.empty() && path().empty()) helper = registry::store_of_auth_file(text, file);
  const bool was_in_helper = !helper.empty() && registry::erase_from_helper(helper, registry::helper_server(key_));
  if (!registry::remove_from_auth_file(text, file, key_)) return was_in_helper;
  registry::edit_auth_file(file,
                           [&](const std::string& now) { return registry::remove_from_auth_file(now, file, key_); });
  return true;
}

/// In all helpers, and in the file that login writes.
bool LoginPlace::forget() const {
  bool was_there = false;
  for (const std::string& helper : helpers_) {
    const bool is_here = is_auth_files(helper)
                             ? forget_in_file(files().front())
                             : path().empty() && registry::erase_from_helper(helper, registry::helper_server(key_));
    was_there = was_there || is_here;
  }
  return was_there;
}

std::optional<registry::Credentials> kept_login(const LoginPlace& place) {
  return registry::find_credentials(place.domain(), place.path(), place.options());
}

base::Error wrong_login(const LoginPlace& place) {
  return base::make_error(base::ErrorKind::permission, "logging into ", base::quoted(place.key()),
                          ": invalid username/password");
}

void check(const LoginPlace& place, const std::string& user, const std::string& password) {
  registry::RegistryOptions options = place.options();
  options.credentials = base::concat(user, ":", password);
  try {
    registry::check_login(place.domain(), options);
  } catch (base::Error& error) {
    if (error.kind() == base::ErrorKind::permission) throw wrong_login(place);
    error.add_context(base::concat("logging into ", base::quoted(place.key())));
    throw;
  }
}

void forget_all_of_helper(const std::string& helper) {
  for (const std::string& server : registry::list_of_helper(helper)) registry::erase_from_helper(helper, server);
}

}  // namespace

KnownLogin find_login(Engine& engine, const LoginOptions& options) {
  LoginPlace place(engine, options);
  place.choose_default();
  const std::optional<registry::Credentials> kept = kept_login(place);
  return {.registry = place.key(),
          .user = kept ? kept->user : std::string{},
          .has_token = kept && !kept->identity_token.empty()};
}

bool is_login_valid(Engine& engine, const LoginOptions& options) {
  LoginPlace place(engine, options);
  place.choose_default();
  const std::optional<registry::Credentials> kept = kept_login(place);
  if (!kept) return false;
  try {
    check(place, kept->user, kept->password);
    return true;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::permission) throw;
    return false;
  }
}

std::string log_in(Engine& engine, const LoginOptions& options, const std::string& user, const std::string& password) {
  LoginPlace place(engine, options);
  place.choose_default();
  if (user.empty() || user.find(':') != std::string::npos)
    throw base::Error(base::ErrorKind::invalid_argument, "a user name may not be empty or hold a colon");
  check(place, user, password);
  return place.keep({.user = user, .password = password, .identity_token = {}});
}

std::string log_out(Engine& engine, const LoginOptions& options) {
  LoginPlace place(engine, options);
  place.choose_default();
  if (place.forget()) return place.key();
  base::Error error = base::make_error(base::ErrorKind::not_found, "not logged into ", place.key());
  if (!kept_login(place)) throw error;
  throw std::move(error).with_hint("another program keeps a login for it: log out there (docker logout)");
}

void log_out_everywhere(Engine& engine, const LoginOptions& options) {
  const LoginPlace place(engine, options);
  for (const std::string& helper : place.helpers()) {
    if (!is_auth_files(helper)) {
      forget_all_of_helper(helper);
      continue;
    }
    const std::string& file = place.files().front();
    const std::string text = registry::read_auth_file_text(file);
    if (text.empty()) continue;
    for (const registry::HelperOfRegistry& entry : registry::helpers_of_auth_file(text, file))
      registry::erase_from_helper(entry.helper, registry::helper_server(registry::domain_of_key(entry.key)));
    registry::edit_auth_file(file, [&](const std::string& now) { return registry::clear_auth_file(now, file); });
  }
}

}  // namespace engine
