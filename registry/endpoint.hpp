#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/auth.hpp"
#include "registry/http_client.hpp"
#include "registry/registries_conf.hpp"

namespace registry {

/// A request to an endpoint. Headers, body and stream are sent again when a challenge was answered.
struct EndpointRequest {
  std::string method = "GET";
  std::string rest;        ///< Behind "/v2/NAME/"; one that begins with '/' is the whole path: "/v2/_catalog".
  std::optional<Url> url;  ///< Replaces `rest`: a Location that the registry named. Of another origin: without login.
  std::vector<std::string> headers;
  std::chrono::seconds deadline{0};
  std::optional<std::string> body;
  std::optional<HttpBody> stream;
};

/// One repository of one registry or mirror: knows its scheme, its trust and its login.
class Endpoint {
 public:
  /// `options` must outlive it.
  /// @param scopes  What a token is asked for; empty: to pull from the repository.
  Endpoint(HttpClient& http, PullPlace place, const RegistryOptions& options, std::vector<std::string> scopes = {});

  /// GET /v2/NAME/`rest`. Answers one challenge; for an insecure registry tries HTTPS without verification first, then
  /// plain HTTP. Any status but 401 is returned. @throws Error network, permission.
  HttpResponse get(std::string_view rest, const std::vector<std::string>& headers, std::chrono::seconds deadline) {
    return send("GET", rest, headers, deadline);
  }
  /// The same with another method that has no body.
  HttpResponse send(std::string_view method, std::string_view rest, const std::vector<std::string>& headers,
                    std::chrono::seconds deadline);
  HttpResponse send(const EndpointRequest& request);

  const oci::Reference& reference() const noexcept { return place_.reference; }
  /// An Error for a status that is not what was hoped for, with the registry's own words.
  base::Error error_for(HttpResponse& response, std::string_view what) const;

 private:
  HttpResponse send_by(const std::string& scheme, const EndpointRequest& request);
  HttpResponse send_insecurely(const EndpointRequest& request);
  Url url_of(const std::string& scheme, const EndpointRequest& request) const;

  HttpClient& http_;
  PullPlace place_;
  bool is_insecure_;
  TlsSettings tls_;
  Authenticator authenticator_;
  std::mutex mutex_;
  std::string scheme_;  ///< Empty until an insecure registry has answered.
};

/// Pure. What a client for these options needs.
HttpSettings http_settings(const RegistryOptions& options);

/// Pure. "docker.io" is served by "registry-1.docker.io".
std::string api_host(std::string_view domain);

/// Pure. The first "message" of an error body, shortened and quoted; empty when there is none.
/// Source: OCI distribution-spec "Error Codes".
std::string message_of_error_body(std::string_view body);

}  // namespace registry
