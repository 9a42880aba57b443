#include "loopback_server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry_test {

namespace {

SeenRequest parse_request(const std::string& head) {
  SeenRequest request;
  const std::vector<std::string_view> lines = base::split(head, '\n');
  const std::vector<std::string_view> words = base::split(lines.front(), ' ');
  request.method = std::string{words[0]};
  if (words.size() > 1) request.target = std::string{words[1]};
  for (std::size_t index = 1; index < lines.size(); ++index) {
    if (const auto field = base::split_once(lines[index], ':'))
      request.headers.emplace_back(base::to_lower(field->first), base::trim(field->second));
  }
  return request;
}

}  // namespace

std::string SeenRequest::header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& field) { return field.first == name; });
  return found == headers.end() ? std::string{} : found->second;
}

std::string http_response(int status, const std::vector<std::string>& headers, std::string_view body) {
  std::string text = base::concat("HTTP/1.1 ", status, " Whatever\r\nConnection: close\r\n");
  for (const std::string& line : headers) text += line + "\r\n";
  return text + base::concat("Content-Length: ", body.size(), "\r\n\r\n", body);
}

LoopbackServer::LoopbackServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = base::UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!listener_) throw base::os_error("making a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    throw base::os_error("listening on loopback");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // accept returns
  thread_.join();
}

std::string LoopbackServer::host() const {
  return base::concat("127.0.0.1:", port_);
}
std::string LoopbackServer::url(std::string_view target) const {
  return base::concat("http://", host(), target);
}

std::vector<SeenRequest> LoopbackServer::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

void LoopbackServer::serve() {
  while (true) {
    const base::UniqueFd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) return;
    answer(connection.get());
  }
}

void LoopbackServer::answer(int connection) {
  std::string text;
  std::size_t head_end = std::string::npos;
  const auto receive = [&] {
    char buffer[4096];
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  };
  while (head_end == std::string::npos) {
    if (!receive() || text.front() == '\x16') return;
    head_end = text.find("\r\n\r\n");
  }
  SeenRequest request = parse_request(text.substr(0, head_end));
  const std::size_t body_size = base::parse_unsigned(request.header("content-length")).value_or(0);
  while (text.size() < head_end + 4 + body_size && receive()) {
  }
  request.body = text.substr(head_end + 4);
  {
    const std::lock_guard lock{mutex_};
    requests_.push_back(request);
  }
  const std::string response = handler_(request);
  std::size_t sent = 0;
  while (sent < response.size()) {
    const ssize_t count = ::send(connection, response.data() + sent, response.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;  // the client has heard enough
    sent += static_cast<std::size_t>(count);
  }
  ::shutdown(connection, SHUT_WR);
  while (receive()) {  // until the client closes, so that no reset overtakes the response
  }
}

}  // namespace registry_test
