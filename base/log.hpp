#pragma once

#include <string_view>

#include "base/text.hpp"

namespace base {

enum class LogLevel { error, warn, info, debug };

/// Set once by `cmd/main.cpp` from --log-level; the default shows warnings and errors.
void set_log_level(LogLevel level) noexcept;
bool is_logged(LogLevel level) noexcept;

/// One line to stderr: "engine: level: text". Never throws, never to stdout, never a secret.
void log_line(LogLevel level, std::string_view text) noexcept;

/// Where lines go instead of stderr (`engine runtime --log FILE`); nullptr: stderr again.
using LogSink = void (*)(LogLevel level, std::string_view text) noexcept;
void set_log_sink(LogSink sink) noexcept;
/// "error", "warning", "info", "debug".
std::string_view name_of(LogLevel level) noexcept;

template <class... Parts>
void log(LogLevel level, const Parts&... parts) noexcept {
  if (!is_logged(level)) return;
  try {
    log_line(level, concat(parts...));
  } catch (...) {  // out of memory: a log line is not worth dying for
  }
}

}  // namespace base
