#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hpp"

// systemd's journal: where --log-driver journald puts output, read back with journalctl.

namespace engine {

inline constexpr const char* journal_socket = "/run/systemd/journal/socket";

/// One message of a container.
struct JournalLine {
  std::string time;  ///< RFC 3339
  bool is_stderr = false;
  bool is_partial = false;
  std::string text;
};

/// Pure: a line of `journalctl -o json`; what is not UTF-8 is an array of bytes there. Nothing for a line that is none.
std::optional<JournalLine> parse_journal_line(std::string_view json);

/// What prints all that a container has written, oldest first; with `follow` it goes on.
/// @throws Error unsupported without journalctl.
base::Command journal_command(const std::string& container_id, bool follow);

}  // namespace engine
