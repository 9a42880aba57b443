#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/http.hpp"

// Requests and responses. Redirects are followed here and not by libcurl, so that credentials stay with their origin.

namespace registry {

inline constexpr unsigned max_redirects = 10;

class TransferPool;

/// A response whose headers have arrived; the body is read on demand, so that a slow reader slows the peer down.
class HttpResponse {
 public:
  HttpResponse(std::shared_ptr<TransferPool> pool, std::unique_ptr<Transfer> transfer, Url url);
  HttpResponse(HttpResponse&&) noexcept;
  HttpResponse& operator=(HttpResponse&&) = delete;
  ~HttpResponse();

  int status() const;
  /// The last value of that header (name in lower case), or nothing.
  std::optional<std::string> header(std::string_view name) const;
  /// All values of that header.
  std::vector<std::string> headers(std::string_view name) const;
  std::optional<std::uint64_t> content_length() const;
  /// Where the response came from, after redirects.
  const Url& url() const noexcept { return url_; }
  /// Whether who answered is this machine or in a private network.
  bool is_peer_private() const;

  /// The next piece of the body, valid until the next call; empty at its end.
  /// @throws Error network (is_transient() where a retry may help).
  std::string_view read_chunk();
  /// The whole body. @throws Error corrupt, when it is (or says that it will be) longer than `limit_bytes`.
  std::string read_all(std::size_t limit_bytes, std::string_view what);
  /// Reads what is left of a short body, so that the connection can be used again. Never throws for a bad body.
  void discard();

 private:
  std::shared_ptr<TransferPool> pool_;
  std::unique_ptr<Transfer> transfer_;
  Url url_;
};

/// Sends requests; several threads may do so at once. Connections are kept for later requests.
/// Proxies come from the environment (libcurl: https_proxy, http_proxy, all_proxy, no_proxy); never for loopback hosts.
class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();

  /// Any status is a response; redirects of a GET or HEAD are followed: at most max_redirects, never from https to
  /// http, and from the internet never into a private network (NetworkLimits::private_redirects).
  /// @throws Error network.
  HttpResponse send(const HttpRequest& request);

 private:
  HttpSettings settings_;
  std::shared_ptr<TransferPool> pool_;
};

}  // namespace registry
