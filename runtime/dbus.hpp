#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "runtime/dbus_message.hpp"

namespace runtime {

/// The moment at which a conversation is given up.
using DbusDeadline = std::chrono::steady_clock::time_point;

/// A method to call, and the serialised words of the call.
struct DbusCall {
  std::string path, interface, member, destination;
  std::string signature;
  std::string body;
};

/// A client's connection to a D-Bus peer or message bus over a unix socket. Whoever listens there is not trusted
/// further than our own privileges go: its bytes are parsed strictly, and it cannot keep us longer than until the
/// deadline.
class DbusConnection {
 public:
  /// Signals that are kept until somebody waits for them; more of the wanted kind are an error.
  static constexpr std::size_t max_kept_signals = 4096;

  /// Connects and authenticates as whoever we are to the kernel (EXTERNAL).
  /// @param wanted_signal   Member name of the signals that are kept; others are dropped.
  /// @throws Error not_found when nobody listens, permission, network for all that goes wrong later.
  static DbusConnection open(const std::string& socket_path, std::string wanted_signal, DbusDeadline deadline);
  /// The same over a socket that is connected already.
  static DbusConnection over(base::UniqueFd socket, std::string wanted_signal, DbusDeadline deadline);

  /// Calls and waits for the answer, which is a reply or an error. @throws Error network when there is none in time.
  DbusMessage call(const DbusCall& call, DbusDeadline deadline);
  /// The next signal of the wanted kind.
  DbusMessage wait_for_signal(DbusDeadline deadline);

 private:
  DbusConnection(base::UniqueFd socket, std::string wanted_signal)
      : socket_(std::move(socket)), wanted_signal_(std::move(wanted_signal)) {}
  void authenticate(DbusDeadline deadline);
  std::string receive_line(DbusDeadline deadline);
  DbusMessage receive(DbusDeadline deadline);
  void receive_some(DbusDeadline deadline);
  void send(std::string_view bytes, DbusDeadline deadline);
  void wait_until_ready(short events, DbusDeadline deadline);
  void keep(DbusMessage message);

  base::UniqueFd socket_;
  std::string wanted_signal_;
  std::string received_;  ///< Bytes that no line or message was made of yet.
  std::deque<DbusMessage> signals_;
  std::uint32_t last_serial_ = 0;
};

/// What an error answers, for people: `Unit … was already loaded (org.freedesktop.systemd1.UnitExists)`.
std::string text_of_dbus_error(const DbusMessage& error);

}  // namespace runtime
