#include "runtime/dbus.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_line_bytes = 512;

base::Error failed(std::string_view problem) {
  return base::make_error(base::ErrorKind::network, "the D-Bus peer ", problem);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw base::make_error(base::ErrorKind::invalid_argument, "the path of a socket is too long: ", base::quoted(path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

DbusConnection DbusConnection::open(const std::string& socket_path, std::string wanted_signal, DbusDeadline deadline) {
  const sockaddr_un address = address_of(socket_path);
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::os_error("making a socket");
  // connect(2) waits while the listener's queue is full.
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno == ECONNREFUSED || errno == ENOTDIR ? ENOENT : errno;
    throw base::error_from_code(code, base::concat("connecting to ", base::quoted(socket_path)));
  }
  return over(std::move(socket), std::move(wanted_signal), deadline);
}

DbusConnection DbusConnection::over(base::UniqueFd socket, std::string wanted_signal, DbusDeadline deadline) {
  base::set_nonblocking(socket.get(), true);
  DbusConnection connection{std::move(socket), std::move(wanted_signal)};
  connection.authenticate(deadline);
  return connection;
}

// Without an identity of our own choice the peer takes the one that the kernel vouches for; inside a user namespace
// that is the only one that both sides would call the same.
//
// All at once and to the end, then the answers: systemd forgets to look at a message that it reads together with BEGIN.
// It reads up to 3, 6, 12, 24, 48 bytes; these are 48, and it answers the descriptors that we shall never send when it
// has all of them. Source: D-Bus Specification, "Authentication Protocol"; this is also what sd-bus sends.
void DbusConnection::authenticate(DbusDeadline deadline) {
  using namespace std::string_view_literals;
  send("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv, deadline);
  std::string answer = receive_line(deadline);
  if (answer == "DATA" || answer.starts_with("DATA ")) answer = receive_line(deadline);
  if (answer.starts_with("REJECTED")) {
    throw base::Error{base::ErrorKind::permission, "the D-Bus peer refuses to talk to this user"};
  }
  const bool is_accepted = answer.starts_with("OK");
  if (is_accepted) answer = receive_line(deadline);
  if (!is_accepted || (answer != "AGREE_UNIX_FD" && !answer.starts_with("ERROR"))) {
    throw failed("does not speak its language while we introduce ourselves");
  }
}

std::string DbusConnection::receive_line(DbusDeadline deadline) {
  for (;;) {
    const std::size_t end = received_.find("\r\n");
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 2);
      return line;
    }
    if (received_.size() > max_line_bytes) throw failed("sends an endless line");
    receive_some(deadline);
  }
}

void DbusConnection::wait_until_ready(short events, DbusDeadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) throw failed("did not answer in time");
    pollfd wanted{.fd = socket_.get(), .events = events, .revents = 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<long>(left.count(), 1000)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw base::os_error("waiting for a D-Bus peer");
  }
}

void DbusConnection::receive_some(DbusDeadline deadline) {
  wait_until_ready(POLLIN, deadline);
  char buffer[4096];
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (count == 0) throw failed("closed the connection");
  if (count > 0) {
    received_.append(buffer, static_cast<std::size_t>(count));
  } else if (errno != EAGAIN && errno != EINTR) {
    throw base::os_error("receiving from a D-Bus peer");
  }
}

void DbusConnection::send(std::string_view bytes, DbusDeadline deadline) {
  while (!bytes.empty()) {
    wait_until_ready(POLLOUT, deadline);
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EINTR) {
      throw base::os_error("sending to a D-Bus peer");
    }
  }
}

DbusMessage DbusConnection::receive(DbusDeadline deadline) {
  while (received_.size() < dbus_fixed_header_bytes) receive_some(deadline);
  const std::size_t size = dbus_message_size(received_);
  while (received_.size() < size) receive_some(deadline);
  DbusMessage message = parse_dbus_message(std::string_view{received_}.substr(0, size));
  received_.erase(0, size);
  return message;
}

// A busy machine's signals are many; only those that somebody will ask for may cost memory.
void DbusConnection::keep(DbusMessage message) {
  if (message.kind != DbusKind::signal || message.member != wanted_signal_) return;
  if (signals_.size() == max_kept_signals) throw failed("sends more signals than we can keep");
  signals_.push_back(std::move(message));
}

DbusMessage DbusConnection::call(const DbusCall& call, DbusDeadline deadline) {
  DbusMessage question;
  question.serial = ++last_serial_;
  question.path = call.path;
  question.interface = call.interface;
  question.member = call.member;
  question.destination = call.destination;
  question.signature = call.signature;
  question.body = call.body;
  send(write_dbus_message(question), deadline);
  for (;;) {
    DbusMessage answer = receive(deadline);
    if (answer.reply_serial == question.serial) return answer;
    keep(std::move(answer));
  }
}

DbusMessage DbusConnection::wait_for_signal(DbusDeadline deadline) {
  while (signals_.empty()) keep(receive(deadline));
  DbusMessage signal = std::move(signals_.front());
  signals_.pop_front();
  return signal;
}

std::string text_of_dbus_error(const DbusMessage& error) {
  std::string text = "(";
  text.append(error.error_name).append(")");
  if (!error.signature.starts_with('s')) return text;
  DbusReader reader{error.body};
  return base::concat(reader.text(), " ", text);
}

}  // namespace runtime
