#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/challenge.hpp"
#include "registry/credentials.hpp"
#include "registry/http_client.hpp"

namespace registry {

enum class RealmTrust {
  refused,    ///< Not even asked.
  anonymous,  ///< Asked for a token, but never told the user's credentials.
  full
};

/// Pure. Whether the token server that a registry named may be asked, and may learn the credentials.
///  - plain http only where the registry itself is spoken to by plain http, and on the same host;
///  - a loopback or link-local host only when the registry is one too;
///  - another host learns credentials only when the registry that named it was verified by TLS.
RealmTrust judge_realm(const Url& registry, const Url& realm, bool registry_is_verified);

/// Pure. The request's URL: the realm with account, service and one "scope" for each of `scopes` as query.
Url token_url(const Url& realm, std::string_view account, std::string_view service,
              const std::vector<std::string>& scopes);

/// Pure. The token of the server's JSON. @throws Error corrupt, when there is none or it holds blanks or control bytes.
std::string parse_token(std::string_view json, std::string_view what);

/// The Authorization header for one repository of one registry. Keeps the token as long as it lives; when it has
/// expired the registry answers 401 and a new one is fetched. May be used by several threads.
/// Source: docker/distribution docs "Token Authentication Specification".
class Authenticator {
 public:
  /// @param scopes  What tokens are asked for: "repository:team/app:pull,push"; empty: to pull from `path`.
  Authenticator(HttpClient& http, std::string domain, std::string path, TlsSettings tls, const RegistryOptions& options,
                std::vector<std::string> scopes = {});

  /// Empty before the first challenge.
  std::string header() const;
  /// Learns from the 401 that a request with the header `used` got. @throws Error permission, network, corrupt.
  void answer(const HttpResponse& response, const std::string& used);
  /// What to tell the user when the registry goes on to refuse.
  base::Error denied(std::string_view said) const;

 private:
  std::string answer_bearer(const Challenge& challenge, const Url& registry);
  HttpResponse ask_for_token(const Challenge& challenge, const Url& registry, const Url& realm, RealmTrust trust);
  const std::optional<Credentials>& credentials();

  HttpClient& http_;
  std::string domain_;
  std::string path_;
  TlsSettings tls_;
  const RegistryOptions& options_;
  std::vector<std::string> scopes_;
  mutable std::mutex mutex_;
  std::string header_;
  bool has_looked_ = false;
  std::optional<Credentials> credentials_;
};

}  // namespace registry
