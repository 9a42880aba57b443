#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/fd.hpp"

// An HTTP/1.1 server for a registry that is only read: libmicrohttpd behind a handler of plain structs.

namespace registry {

struct ServerRequest {
  std::string method;
  std::string path;   ///< Decoded by the server; begins with '/', at most max_request_path_bytes.
  std::string host;   ///< The header's value: what the client believes to talk to. Empty without one.
  std::string range;  ///< Likewise.
  std::vector<std::pair<std::string, std::string>> query;

  /// The last value of that name, or "".
  std::string parameter(std::string_view name) const;
};
inline constexpr std::size_t max_request_path_bytes = 2048;

/// A piece of a file.
struct FileBody {
  base::UniqueFd fd;
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};
/// Bytes that are still on their way. `read` blocks until it has some, at `position` from the body's start; negative:
/// they will never come, and the connection is cut so that the client knows.
struct StreamBody {
  std::uint64_t size_bytes = 0;
  std::function<std::ptrdiff_t(std::uint64_t position, char* buffer, std::size_t size)> read;
};

struct ServerResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, FileBody, StreamBody> body;  ///< HEAD gets the headers alone.
};

using ServerHandler = std::function<ServerResponse(const ServerRequest&)>;

struct ServerSettings {
  std::string address = "127.0.0.1";  ///< An IP address; brackets of IPv6 are left out.
  std::uint16_t port = 0;             ///< 0: any that is free.
  std::string certificate;            ///< PEM text; with `key` HTTPS is spoken.
  std::string key;
  /// One thread each. More clients wait until one has gone.
  unsigned max_connections = 64;
  unsigned max_connections_per_address = 0;  ///< More of one are cut at once. 0: no limit.
  std::chrono::seconds idle_limit{30};       ///< Nothing sent and nothing taken for so long.
  /// For the headers of a request, from the first byte or the last response on.
  std::chrono::seconds request_limit{30};
  std::uint64_t min_bytes_per_second = 16 * 1024;  ///< Of a response as a whole, after a minute.
};

/// Serves from its construction to its destruction; `handler` is called from several threads at once, and what it
/// throws becomes a 500. @throws Error in_use, when the port is taken; invalid_argument, for a bad address or
/// certificate.
class HttpServer {
 public:
  HttpServer(const ServerSettings& settings, ServerHandler handler);
  HttpServer(const HttpServer&) = delete;
  ~HttpServer();
  std::uint16_t port() const;

 private:
  class Daemon;
  std::unique_ptr<Daemon> daemon_;
};

/// What a Range header asks of `size_bytes` bytes.
struct RangeOfBody {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};
struct RangeAnswer {
  std::optional<RangeOfBody> range;  ///< Nothing: all of it, as without a range.
  bool is_unsatisfiable = false;     ///< 416
};
/// Pure. One range is honoured; several, other units and nonsense are ignored, as the standard permits.
/// Source: RFC 9110 14.2.
RangeAnswer parse_range(std::string_view header, std::uint64_t size_bytes);

}  // namespace registry
