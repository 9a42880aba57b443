#include "registry/http_server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "registry/http_server_watch.hpp"

namespace registry {

namespace {

constexpr std::size_t connection_memory_bytes = 32 * 1024;  // bounds request line and headers
constexpr std::size_t thread_stack_bytes = 512 * 1024;
constexpr std::size_t stream_block_bytes = 64 * 1024;
constexpr std::size_t max_parameters = 16;

struct Address {
  sockaddr_storage storage{};
  bool is_v6 = false;
};

Address parse_address(const std::string& text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.is_v6 = true;
    return address;
  }
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " is not an IP address");
}

MHD_Result take_parameter(void* self, MHD_ValueKind, const char* name, const char* value) {
  auto& query = static_cast<ServerRequest*>(self)->query;
  if (query.size() == max_parameters) return MHD_NO;
  query.emplace_back(name, value == nullptr ? "" : value);
  return MHD_YES;
}

ServerRequest request_of(MHD_Connection* connection, const char* url, const char* method) {
  ServerRequest request;
  request.method = method;
  request.path = url;
  const auto header = [&](const char* name) {
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return std::string{value == nullptr ? "" : value};
  };
  request.host = header("Host");
  request.range = header("Range");
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &take_parameter, &request);
  return request;
}

ssize_t read_stream(void* self, std::uint64_t position, char* buffer, std::size_t size) {
  try {
    const std::ptrdiff_t count = static_cast<StreamBody*>(self)->read(position, buffer, size);
    return count > 0 ? count : MHD_CONTENT_READER_END_WITH_ERROR;
  } catch (const std::exception&) {  // the callback of a C library; the client sees a cut connection
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
}

void free_stream(void* self) {
  delete static_cast<StreamBody*>(self);
}

MHD_Response* make_response(ServerResponse& answer) {
  if (auto* text = std::get_if<std::string>(&answer.body))
    return MHD_create_response_from_buffer(text->size(), text->data(), MHD_RESPMEM_MUST_COPY);
  if (auto* file = std::get_if<FileBody>(&answer.body))  // it owns the descriptor from now on
    return MHD_create_response_from_fd_at_offset64(file->size_bytes, file->fd.release(), file->offset);
  auto stream = std::make_unique<StreamBody>(std::move(std::get<StreamBody>(answer.body)));
  MHD_Response* response = MHD_create_response_from_callback(stream->size_bytes, stream_block_bytes, &read_stream,
                                                             stream.get(), &free_stream);
  if (response != nullptr) static_cast<void>(stream.release());  // freed with the response
  return response;
}

std::uint64_t body_bytes(const ServerResponse& answer) {
  if (const auto* text = std::get_if<std::string>(&answer.body)) return text->size();
  if (const auto* file = std::get_if<FileBody>(&answer.body)) return file->size_bytes;
  return std::get<StreamBody>(answer.body).size_bytes;
}

}  // namespace

std::string ServerRequest::parameter(std::string_view name) const {
  const auto found = std::find_if(query.rbegin(), query.rend(), [&](const auto& pair) { return pair.first == name; });
  return found == query.rend() ? std::string{} : found->second;
}

RangeAnswer parse_range(std::string_view header, std::uint64_t size_bytes) {
  const auto unit = base::split_once(base::trim(header), '=');
  if (!unit || unit->first != "bytes") return {};
  const auto ends = base::split_once(unit->second, '-');
  if (!ends || unit->second.find(',') != std::string_view::npos) return {};
  const auto first = base::parse_unsigned(ends->first);
  const auto last = base::parse_unsigned(ends->second);
  if (ends->first.empty()) {  // the last so many bytes
    if (!last) return {};
    if (*last == 0 || size_bytes == 0) return {std::nullopt, true};
    const std::uint64_t count = std::min(*last, size_bytes);
    return {RangeOfBody{size_bytes - count, count}, false};
  }
  if (!first || (!last && !ends->second.empty()) || (last && *last < *first)) return {};
  if (*first >= size_bytes) return {std::nullopt, true};
  const std::uint64_t end = last ? std::min(*last, size_bytes - 1) : size_bytes - 1;
  return {RangeOfBody{*first, end - *first + 1}, false};
}

class HttpServer::Daemon {
 public:
  Daemon(const ServerSettings& settings, ServerHandler handler)
      : settings_(settings), handler_(std::move(handler)), watch_(settings.request_limit) {
    const Address address = parse_address(settings.address, settings.port);
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (address.is_v6) flags |= MHD_USE_IPv6;
    if (!settings_.certificate.empty()) flags |= MHD_USE_TLS;
    std::vector<MHD_OptionItem> tls;
    if (!settings_.certificate.empty()) {
      tls.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, settings_.certificate.data()});
      tls.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, settings_.key.data()});
    }
    tls.push_back({MHD_OPTION_END, 0, nullptr});
    errno = 0;
    daemon_ = MHD_start_daemon(
        flags, settings.port, nullptr, nullptr, &Daemon::on_request, this, MHD_OPTION_SOCK_ADDR,
        reinterpret_cast<const sockaddr*>(&address.storage), MHD_OPTION_CONNECTION_LIMIT, settings.max_connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, settings.max_connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        static_cast<unsigned>(settings.idle_limit.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory_bytes,
        MHD_OPTION_THREAD_STACK_SIZE, thread_stack_bytes, MHD_OPTION_NOTIFY_CONNECTION, &Daemon::on_connection, this,
        MHD_OPTION_NOTIFY_COMPLETED, &Daemon::on_completed, this, MHD_OPTION_EXTERNAL_LOGGER, &Daemon::on_log, this,
        MHD_OPTION_ARRAY, tls.data(), MHD_OPTION_END);
    if (daemon_ == nullptr) throw start_error();
  }
  ~Daemon() { MHD_stop_daemon(daemon_); }
  Daemon(const Daemon&) = delete;

  std::uint16_t port() const { return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port; }

 private:
  base::Error start_error() const {
    const int code = errno;
    const std::string place = base::concat(settings_.address, " port ", settings_.port);
    if (code == EADDRINUSE)
      return base::make_error(base::ErrorKind::in_use, place, " is taken by another program")
          .with_hint("choose another with --addr ADDRESS:PORT");
    if (code != 0) return base::error_from_code(code, base::concat("listening on ", place));
    return base::make_error(base::ErrorKind::invalid_argument, "the certificate or its key cannot be used")
        .with_hint("--cert and --key name PEM files that belong together");
  }

  static void on_log(void*, const char*, va_list) {}  // what clients do wrong is not worth a line each

  static int socket_of(MHD_Connection* connection) {
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  }

  static void on_connection(void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
    Watch& watch = static_cast<Daemon*>(self)->watch_;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
      watch.expect_request(socket_of(connection));
    else
      watch.forget(socket_of(connection));
  }

  static void on_completed(void* self, MHD_Connection* connection, void**, MHD_RequestTerminationCode) {
    static_cast<Daemon*>(self)->watch_.expect_request(socket_of(connection));
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char*, std::size_t* upload_size, void** state) {
    // Called first when the headers are there, then for each piece of a body, then once more.
    static int seen = 0;
    if (*state == nullptr) {
      *state = &seen;
      return MHD_YES;
    }
    if (*upload_size != 0) return MHD_NO;  // nothing here takes bodies
    try {
      return static_cast<Daemon*>(self)->answer(connection, url, method);
    } catch (const std::exception&) {  // the callback of a C library; the connection is cut
      return MHD_NO;
    }
  }

  MHD_Result answer(MHD_Connection* connection, const char* url, const char* method) {
    ServerResponse answer;
    if (std::strlen(url) > max_request_path_bytes) {
      answer.status = 414;
    } else {
      const ServerRequest request = request_of(connection, url, method);
      try {
        answer = handler_(request);
      } catch (const std::exception& error) {
        base::log(base::LogLevel::error, request.method, " ", request.path, ": ", error.what());
        answer = ServerResponse{.status = 500, .headers = {}, .body = {}};
      }
      base::log(base::LogLevel::info, request.method, " ", base::quoted(request.path), " ", answer.status);
    }
    const std::uint64_t seconds = 60 + body_bytes(answer) / settings_.min_bytes_per_second;
    watch_.expect_end(socket_of(connection), std::chrono::seconds{seconds});
    const std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)> response(make_response(answer),
                                                                                  &MHD_destroy_response);
    if (!response) return MHD_NO;
    for (const auto& [name, value] : answer.headers)
      MHD_add_response_header(response.get(), name.c_str(), value.c_str());
    return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
  }

  ServerSettings settings_;
  ServerHandler handler_;
  Watch watch_;
  MHD_Daemon* daemon_ = nullptr;
};

HttpServer::HttpServer(const ServerSettings& settings, ServerHandler handler)
    : daemon_(std::make_unique<Daemon>(settings, std::move(handler))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
  return daemon_->port();
}

}  // namespace registry
