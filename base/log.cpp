#include "base/log.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <unistd.h>

namespace base {
namespace {

std::atomic<LogLevel> shown_level{LogLevel::warn};
std::atomic<LogSink> other_sink{nullptr};

}  // namespace

std::string_view name_of(LogLevel level) noexcept {
  constexpr std::array<std::string_view, 4> names = {"error", "warning", "info", "debug"};
  return names[static_cast<std::size_t>(level)];
}

void set_log_sink(LogSink sink) noexcept {
  other_sink = sink;
}

void set_log_level(LogLevel level) noexcept {
  shown_level = level;
}

bool is_logged(LogLevel level) noexcept {
  return level <= shown_level.load();
}

void log_line(LogLevel level, std::string_view text) noexcept {
  const int saved = errno;
  if (const LogSink sink = other_sink.load(); sink != nullptr) {
    sink(level, text);
    errno = saved;
    return;
  }
  try {
    const std::string line = concat("engine: ", name_of(level), ": ", text, "\n");
    // One write: lines of processes that share stderr do not mix. A failure has nowhere to be reported.
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {  // out of memory: a log line is not worth dying for
  }
  errno = saved;
}

}  // namespace base
