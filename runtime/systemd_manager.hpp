#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "runtime/dbus.hpp"

namespace runtime {

/// The systemd that keeps the units of the machine or of one user, over its own socket or else the message bus.
/// All calls together may take manager_patience; then they end with Error network.
/// Source: org.freedesktop.systemd1(5).
class SystemdManager {
 public:
  /// @param user_runtime_dir   XDG_RUNTIME_DIR of a user, for that user's manager; empty: the system's.
  /// @throws Error unsupported with a hint, when none can be reached.
  static SystemdManager connect(const std::string& user_runtime_dir);

  /// Makes a transient scope and returns when its job is done. A failed unit of that name that was left over is
  /// forgotten first. @throws Error already_exists, when there is one with processes.
  void start_scope(const std::string& unit, const std::vector<DbusProperty>& properties);
  /// Changes a unit until it ends.
  void set_properties(const std::string& unit, const std::vector<DbusProperty>& properties);
  /// Moves a process into the unit's cgroup, or that at path `below` it, where we may not do it ourselves.
  void attach(const std::string& unit, const std::string& below, pid_t pid);
  /// Ends the unit, with what still runs in it, and forgets that it failed. Absence is fine.
  void stop(const std::string& unit);

 private:
  explicit SystemdManager(DbusConnection connection, DbusDeadline deadline)
      : connection_(std::move(connection)), deadline_(deadline) {}
  void join_bus();
  DbusMessage try_call(std::string_view member, std::string_view signature, const DbusWriter& body);
  DbusMessage call(std::string_view member, std::string_view signature, const DbusWriter& body);
  void wait_for_job(const DbusMessage& reply, const std::string& unit);

  DbusConnection connection_;
  DbusDeadline deadline_;
};

}  // namespace runtime
