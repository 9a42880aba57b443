#include "registry/auth.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "registry/base64.hpp"

namespace registry {

namespace {

constexpr std::size_t max_token_body_bytes = 1024 * 1024;
constexpr std::chrono::seconds token_deadline{120};

/// All WWW-Authenticate headers together, within the limit of one.
std::vector<Challenge> challenges_of(const HttpResponse& response) {
  std::vector<Challenge> all;
  std::size_t total_bytes = 0;
  for (const std::string& value : response.headers("www-authenticate")) {
    total_bytes += value.size();
    if (total_bytes > max_challenge_bytes)
      throw base::Error(base::ErrorKind::network, "the WWW-Authenticate headers are too long");
    for (Challenge& challenge : parse_challenges(value)) all.push_back(std::move(challenge));
  }
  return all;
}

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::find_if(challenges.begin(), challenges.end(),
                                  [&](const Challenge& challenge) { return challenge.scheme == scheme; });
  return found == challenges.end() ? nullptr : &*found;
}

std::string basic_header(const Credentials& credentials) {
  return base::concat("Basic ", base64_encode(base::concat(credentials.user, ":", credentials.password)));
}

/// Source: docker/distribution docs "Docker Registry v2 authentication using OAuth2".
std::string token_form(const Credentials& credentials, std::string_view service,
                       const std::vector<std::string>& scopes) {
  return base::concat("grant_type=refresh_token&client_id=engine&service=", percent_encode(service),
                      "&scope=", percent_encode(base::join(scopes, " ")),
                      "&refresh_token=", percent_encode(credentials.identity_token));
}

}  // namespace

RealmTrust judge_realm(const Url& registry, const Url& realm, bool registry_is_verified) {
  const bool is_same_host = registry.host == realm.host;
  if (realm.scheme != "https" && !(registry.scheme == "http" && is_same_host)) return RealmTrust::refused;
  if (is_same_host) return RealmTrust::full;
  if (is_local_host(realm.host) && !is_local_host(registry.host)) return RealmTrust::refused;
  return registry_is_verified ? RealmTrust::full : RealmTrust::anonymous;
}

Url token_url(const Url& realm, std::string_view account, std::string_view service,
              const std::vector<std::string>& scopes) {
  Url url = realm;
  char separator = url.target.find('?') == std::string::npos ? '?' : '&';
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    url.target += base::concat(separator, name, "=", percent_encode(value));
    separator = '&';
  };
  add("account", account);
  for (const std::string& scope : scopes) add("scope", scope);
  add("service", service);
  return url;
}

std::string parse_token(std::string_view json, std::string_view what) {
  const base::JsonAt answer = base::JsonAt::parse(json, std::string{what}, {max_token_body_bytes, 16});
  std::string token = answer.string_or("token", "");
  if (token.empty()) token = answer.string_or("access_token", "");
  if (token.empty()) throw answer.error("holds no token");
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; }))
    throw answer.error("holds a token with forbidden bytes");
  return token;
}

Authenticator::Authenticator(HttpClient& http, std::string domain, std::string path, TlsSettings tls,
                             const RegistryOptions& options, std::vector<std::string> scopes)
    : http_(http),
      domain_(std::move(domain)),
      path_(std::move(path)),
      tls_(std::move(tls)),
      options_(options),
      scopes_(std::move(scopes)) {
  if (scopes_.empty() && !path_.empty()) scopes_ = {base::concat("repository:", path_, ":pull")};
}

std::string Authenticator::header() const {
  const std::lock_guard lock{mutex_};
  return header_;
}

const std::optional<Credentials>& Authenticator::credentials() {
  if (!has_looked_) credentials_ = find_credentials(domain_, path_, options_);
  has_looked_ = true;
  return credentials_;
}

base::Error Authenticator::denied(std::string_view said) const {
  std::string message = base::concat("access to ", domain_, path_.empty() ? "" : "/", path_, " was denied");
  if (!said.empty()) message += base::concat(": ", said);
  return base::Error(base::ErrorKind::permission, std::move(message))
      .with_hint(base::concat("check the name; if it is private: engine login ", domain_));
}

void Authenticator::answer(const HttpResponse& response, const std::string& used) {
  const std::lock_guard lock{mutex_};
  if (header_ != used) return;  // another thread was here first
  const std::vector<Challenge> challenges = challenges_of(response);
  if (const Challenge* bearer = find_scheme(challenges, "bearer")) {
    header_ = base::concat("Bearer ", answer_bearer(*bearer, response.url()));
    return;
  }
  if (find_scheme(challenges, "basic") == nullptr) throw denied("it asks for no kind of login that is known here");
  if (!credentials() || credentials()->user.empty()) throw denied("it wants a user name and a password");
  std::string header = basic_header(*credentials());
  if (header == used) throw denied("user name or password are wrong");
  header_ = std::move(header);
}

std::string Authenticator::answer_bearer(const Challenge& challenge, const Url& registry) {
  const std::string what = base::concat("token server of ", domain_);
  const Url realm = base::with_context([&] { return parse_url(challenge.parameter("realm")); }, what);
  const RealmTrust trust = judge_realm(registry, realm, registry.scheme == "https" && tls_.verify);
  if (trust == RealmTrust::refused)
    throw base::make_error(base::ErrorKind::network, domain_, " names the token server ", base::quoted(realm.origin()),
                           ", which is refused: it is not as safe as the registry");
  HttpResponse response = ask_for_token(challenge, registry, realm, trust);
  const int status = response.status();
  if (status == 200)
    return parse_token(response.read_all(max_token_body_bytes, base::concat("answer of the ", what)), what);
  if (status == 401 || status == 403)
    throw denied(credentials_ ? "user name or password are wrong, or it is not allowed to this user" : "");
  base::Error error = base::make_error(base::ErrorKind::network, what, " ", realm.origin(), " answered ", status);
  const bool may_pass = status == 429 || status >= 500;
  throw std::move(error).with_code(may_pass ? EAGAIN : 0);
}

HttpResponse Authenticator::ask_for_token(const Challenge& challenge, const Url& registry, const Url& realm,
                                          RealmTrust trust) {
  // The scopes are ours and not the challenge's: a registry must not choose what the token is good for.
  const std::string_view service = challenge.parameter("service");
  HttpRequest request;
  request.tls = tls_;
  request.deadline = token_deadline;
  if (realm.host != registry.host) request.tls.client_certificate.clear();
  const std::optional<Credentials>& login = credentials();
  if (login && trust == RealmTrust::anonymous)
    base::log(base::LogLevel::warn, "the credentials for ", domain_, " are not sent to ", realm.origin(),
              ", because the registry was not verified by TLS");
  const bool with_login = login && trust == RealmTrust::full;
  if (with_login && !login->identity_token.empty()) {
    request.url = realm;
    request.form = token_form(*login, service, scopes_);
    return http_.send(request);
  }
  request.url = token_url(realm, with_login ? login->user : std::string{}, service, scopes_);
  if (with_login) request.authorization = basic_header(*login);
  return http_.send(request);
}

}  // namespace registry
