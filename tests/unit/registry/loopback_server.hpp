#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace registry_test {

struct SeenRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;
  std::string header(std::string_view name) const;  ///< Empty when absent.
};

/// A status line, headers and a body with its Content-Length; for handlers.
std::string http_response(int status, const std::vector<std::string>& headers, std::string_view body);

/// A plain HTTP/1.1 server on 127.0.0.1 that sends whatever bytes its handler returns, then closes the connection.
/// A connection that begins with TLS is closed at once, as by a server that does not speak it.
class LoopbackServer {
 public:
  using Handler = std::function<std::string(const SeenRequest&)>;
  explicit LoopbackServer(Handler handler);
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  std::uint16_t port() const noexcept { return port_; }
  std::string host() const;  ///< "127.0.0.1:PORT"
  std::string url(std::string_view target) const;
  std::vector<SeenRequest> requests() const;

 private:
  void serve();
  void answer(int connection);

  Handler handler_;
  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> requests_;
  std::thread thread_;
};

}  // namespace registry_test
