#include "registry/endpoint.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "registry/certificates.hpp"
#include "registry/rate_limit.hpp"

namespace registry {

namespace {

constexpr std::size_t max_error_body_bytes = 64 * 1024;

/// Options of the command win over registries.conf.
bool is_insecure(const PullPlace& place, const RegistryOptions& options) {
  return options.tls_verify ? !*options.tls_verify : place.insecure;
}

std::string read_error_body(HttpResponse& response) {
  try {
    return response.read_all(max_error_body_bytes, "error message");
  } catch (const base::Error&) {  // the status says enough
    return {};
  }
}

}  // namespace

HttpSettings http_settings(const RegistryOptions& options) {
  return {.user_agent = options.user_agent, .limits = options.network};
}

std::string api_host(std::string_view domain) {
  return domain == "docker.io" ? "registry-1.docker.io" : std::string{domain};
}

std::string message_of_error_body(std::string_view body) {
  try {
    const base::JsonAt json = base::JsonAt::parse(body, "error message", {max_error_body_bytes, 16});
    const auto errors = json.find("errors");
    if (!errors || !errors->is_array()) return {};
    for (const base::JsonAt& error : errors->array()) {
      std::string text = error.string_or("message", "");
      if (text.empty()) text = error.string_or("code", "");
      if (!text.empty()) return base::concat(base::quoted(text));
    }
  } catch (const base::Error&) {  // not every server explains itself in JSON
  }
  return {};
}

Endpoint::Endpoint(HttpClient& http, PullPlace place, const RegistryOptions& options, std::vector<std::string> scopes)
    : http_(http),
      place_(std::move(place)),
      is_insecure_(is_insecure(place_, options)),
      tls_(load_tls_settings(place_.reference.domain(), !is_insecure_, options)),
      authenticator_(http, place_.reference.domain(), place_.reference.path(), tls_, options, std::move(scopes)) {}

HttpResponse Endpoint::send(std::string_view method, std::string_view rest, const std::vector<std::string>& headers,
                            std::chrono::seconds deadline) {
  EndpointRequest request;
  request.method = method;
  request.rest = rest;
  request.headers = headers;
  request.deadline = deadline;
  return send(request);
}

HttpResponse Endpoint::send(const EndpointRequest& request) {
  if (request.url) return send_by(request.url->scheme, request);
  if (!is_insecure_) return send_by("https", request);
  std::string scheme;
  {
    const std::lock_guard lock{mutex_};
    scheme = scheme_;
  }
  return scheme.empty() ? send_insecurely(request) : send_by(scheme, request);
}

HttpResponse Endpoint::send_insecurely(const EndpointRequest& request) {
  const auto remember = [&](const char* scheme) {
    const std::lock_guard lock{mutex_};
    scheme_ = scheme;
  };
  try {
    HttpResponse response = send_by("https", request);
    remember("https");
    return response;
  } catch (const base::Error& error) {
    if (!may_speak_plain_http(error)) throw;
    HttpResponse response = send_by("http", request);
    if (response.status() == 400) throw;  // an HTTPS server that was spoken to in plain text; its first error counts
    remember("http");
    return response;
  }
}

Url Endpoint::url_of(const std::string& scheme, const EndpointRequest& request) const {
  if (request.url) return *request.url;
  const bool is_whole_path = request.rest.substr(0, 1) == "/";
  return parse_url(base::concat(scheme, "://", api_host(place_.reference.domain()),
                                is_whole_path ? "" : base::concat("/v2/", place_.reference.path(), "/"), request.rest));
}

HttpResponse Endpoint::send_by(const std::string& scheme, const EndpointRequest& what) {
  HttpRequest request;
  request.method = what.method;
  request.url = url_of(scheme, what);
  request.headers = what.headers;
  request.tls = tls_;
  request.deadline = what.deadline;
  request.body = what.body;
  request.stream = what.stream;
  const Url ours = url_of(scheme, {});
  const bool is_our_origin = request.url.same_origin(ours) && (request.url.scheme == "https" || is_insecure_);
  if (!request.url.same_origin(ours)) request.tls.client_certificate.clear();
  for (bool was_answered = false;; was_answered = true) {
    if (is_our_origin) request.authorization = authenticator_.header();
    HttpResponse response = http_.send(request);
    // Without its query, which in the address of an upload is as good as a password.
    const std::string_view path = std::string_view{request.url.target}.substr(0, request.url.target.find('?'));
    base::log(base::LogLevel::debug, what.method, " ", request.url.origin(), path, ": ", response.status());
    if (response.status() != 401 || !is_our_origin || !response.url().same_origin(request.url)) return response;
    if (was_answered) throw authenticator_.denied(message_of_error_body(read_error_body(response)));
    response.discard();
    authenticator_.answer(response, request.authorization);
  }
}

base::Error Endpoint::error_for(HttpResponse& response, std::string_view what) const {
  const int status = response.status();
  const std::string said = message_of_error_body(read_error_body(response));
  const std::string& domain = place_.reference.domain();
  if (status == 403 || status == 401) return authenticator_.denied(said);
  if (status == 404)
    return base::make_error(base::ErrorKind::not_found, domain, " has no ", what, said.empty() ? "" : ": ", said);
  const LimitHeaders limit{.retry_after = response.header("retry-after").value_or(""),
                           .limit = response.header("ratelimit-limit").value_or(""),
                           .remaining = response.header("ratelimit-remaining").value_or(""),
                           .source = response.header("docker-ratelimit-source").value_or("")};
  if (status == 429)
    return base::make_error(base::ErrorKind::network, domain, " allows no more requests for now",
                            describe_limit(limit, base::now()), said.empty() ? "" : ": ", said)
        .with_hint(base::concat("the limit is that of ", domain, "; it is higher after engine login ", domain,
                                ", and a mirror in registries.conf spares it"));
  if (status == 503)
    return base::make_error(base::ErrorKind::network, domain, " is not available (503) for ", what,
                            describe_limit(limit, base::now()), said.empty() ? "" : ": ", said);
  return base::make_error(base::ErrorKind::network, domain, " answered ", status, " for ", what,
                          said.empty() ? "" : ": ", said);
}

}  // namespace registry
