#include "runtime/systemd_manager.hpp"

#include <cerrno>
#include <chrono>
#include <optional>

#include "base/error.hpp"

namespace runtime {
namespace {

// systemd itself gives a unit 90 seconds to stop; our callers have ended the processes before.
constexpr std::chrono::seconds manager_patience{30};

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_exists = "org.freedesktop.systemd1.UnitExists";
constexpr const char* no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";

struct Socket {
  std::string path;
  bool is_bus;
};

std::vector<Socket> sockets_of(const std::string& user_runtime_dir) {
  if (user_runtime_dir.empty()) return {{"/run/systemd/private", false}, {"/run/dbus/system_bus_socket", true}};
  return {{user_runtime_dir + "/systemd/private", false}, {user_runtime_dir + "/bus", true}};
}

base::Error unreachable(const std::string& user_runtime_dir, std::string_view why) {
  const bool is_user = !user_runtime_dir.empty();
  return base::Error{base::ErrorKind::unsupported,
                     base::concat(is_user ? "this user's systemd" : "systemd", " cannot be reached: ", why),
                     is_user ? "\"loginctl enable-linger\" keeps a user's systemd running; --cgroup-manager=cgroupfs "
                               "does without it"
                             : "where systemd is not running, --cgroup-manager=cgroupfs does without it"};
}

base::ErrorKind kind_of(const std::string& error_name) {
  if (error_name == unit_exists) return base::ErrorKind::already_exists;
  if (error_name == no_such_unit) return base::ErrorKind::not_found;
  if (error_name.ends_with(".AccessDenied") || error_name.ends_with(".InteractiveAuthorizationRequired")) {
    return base::ErrorKind::permission;
  }
  return error_name.ends_with(".InvalidArgs") ? base::ErrorKind::invalid_argument : base::ErrorKind::internal;
}

base::Error error_of(const DbusMessage& answer, std::string_view member) {
  // A process that has ended meanwhile is told as the kernel tells it.
  const int code = answer.error_name == "org.freedesktop.DBus.Error.UnixProcessIdUnknown" ? ESRCH : 0;
  return base::make_error(kind_of(answer.error_name), "systemd refuses ", member, ": ", text_of_dbus_error(answer))
      .with_code(code);
}

}  // namespace

SystemdManager SystemdManager::connect(const std::string& user_runtime_dir) {
  const DbusDeadline deadline = std::chrono::steady_clock::now() + manager_patience;
  std::string why;
  for (const Socket& socket : sockets_of(user_runtime_dir)) {
    try {
      SystemdManager manager{DbusConnection::open(socket.path, "JobRemoved", deadline), deadline};
      if (socket.is_bus) manager.join_bus();
      return manager;
    } catch (const base::Error& error) {
      why.append(why.empty() ? "" : "; ").append(error.message());
    }
  }
  throw unreachable(user_runtime_dir, why);
}

// Only a bus has names to say hello with, and signals that must be asked for; systemd's own socket sends them all.
void SystemdManager::join_bus() {
  DbusCall hello{.path = "/org/freedesktop/DBus",
                 .interface = "org.freedesktop.DBus",
                 .member = "Hello",
                 .destination = "org.freedesktop.DBus",
                 .signature = "",
                 .body = ""};
  DbusMessage answer = connection_.call(hello, deadline_);
  if (answer.kind == DbusKind::error) throw error_of(answer, hello.member);
  DbusWriter rule;
  rule.text(base::concat("type='signal',interface='", manager_interface, "',member='JobRemoved'"));
  hello.member = "AddMatch";
  hello.signature = "s";
  hello.body = rule.bytes();
  answer = connection_.call(hello, deadline_);
  if (answer.kind == DbusKind::error) throw error_of(answer, hello.member);
  call("Subscribe", "", {});
}

DbusMessage SystemdManager::try_call(std::string_view member, std::string_view signature, const DbusWriter& body) {
  return connection_.call({.path = manager_path,
                           .interface = manager_interface,
                           .member = std::string{member},
                           .destination = destination,
                           .signature = std::string{signature},
                           .body = body.bytes()},
                          deadline_);
}

DbusMessage SystemdManager::call(std::string_view member, std::string_view signature, const DbusWriter& body) {
  DbusMessage answer = try_call(member, signature, body);
  if (answer.kind == DbusKind::error) throw error_of(answer, member);
  return answer;
}

// @param reply   Its body is the path of the job.
void SystemdManager::wait_for_job(const DbusMessage& reply, const std::string& unit) {
  if (reply.signature != "o") throw base::Error{base::ErrorKind::corrupt, "systemd answers with no job"};
  const std::string job{DbusReader{reply.body}.text()};
  for (;;) {
    const DbusMessage signal = connection_.wait_for_signal(deadline_);
    if (signal.interface != manager_interface || signal.signature != "uoss") continue;
    DbusReader reader{signal.body};
    reader.uint32();
    if (reader.text() != job) continue;
    reader.text();  // the unit
    const std::string_view result = reader.text();
    if (result == "done" || result == "skipped") return;
    throw base::make_error(base::ErrorKind::internal, "systemd ended the job of ", base::quoted(unit), " as ",
                           base::quoted(result));
  }
}

void SystemdManager::start_scope(const std::string& unit, const std::vector<DbusProperty>& properties) {
  DbusWriter body;
  body.text(unit);
  body.text("replace");
  body.properties(properties);
  body.array(8, [] {});  // units to make with it: none
  DbusMessage answer = try_call("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
  if (answer.kind == DbusKind::error && answer.error_name == unit_exists) {
    DbusWriter failed;
    failed.text(unit);
    try_call("ResetFailedUnit", "s", failed);
    answer = call("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
  }
  if (answer.kind == DbusKind::error) throw error_of(answer, "StartTransientUnit");
  wait_for_job(answer, unit);
}

void SystemdManager::set_properties(const std::string& unit, const std::vector<DbusProperty>& properties) {
  DbusWriter body;
  body.text(unit);
  body.uint32(1);  // until the unit ends, not in a file
  body.properties(properties);
  call("SetUnitProperties", "sba(sv)", body);
}

void SystemdManager::attach(const std::string& unit, const std::string& below, pid_t pid) {
  DbusWriter body;
  body.text(unit);
  body.text(below);
  body.array(4, [&] { body.uint32(static_cast<std::uint32_t>(pid)); });
  call("AttachProcessesToUnit", "ssau", body);
}

void SystemdManager::stop(const std::string& unit) {
  DbusWriter body;
  body.text(unit);
  body.text("replace");
  const DbusMessage answer = try_call("StopUnit", "ss", body);
  if (answer.kind == DbusKind::error && answer.error_name == no_such_unit) return;
  if (answer.kind == DbusKind::error) throw error_of(answer, "StopUnit");
  wait_for_job(answer, unit);
  DbusWriter failed;
  failed.text(unit);
  try_call("ResetFailedUnit", "s", failed);  // A unit that did not fail is forgotten by itself.
}

}  // namespace runtime
