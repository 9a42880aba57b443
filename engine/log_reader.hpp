#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/journal.hpp"
#include "engine/log_lines.hpp"
#include "engine/verbs.hpp"
#include "storage/containers.hpp"

// What reads a container's log, and prints its lines; engine/logs.cpp goes through those of several.

namespace engine {

/// Writes lines as the options want them.
class LogPrinter {
 public:
  /// @throws Error invalid_argument.
  /// @param prefix  In front of every line: a name, or nothing. @param colour  Escape sequence of the line; or nothing.
  LogPrinter(const LogsOptions& options, std::string prefix, std::string colour);
  bool wants(const LogLine& line) const;
  bool wants(const JournalLine& line) const { return wants(LogLine{line.time, false, false, {}}); }
  /// Whether no line that comes now is wanted any more.
  bool is_past(base::Time now) const { return until_ && now > *until_; }
  void print(const LogLine& line) const;
  void print(const JournalLine& line) const { print(LogLine{line.time, line.is_stderr, line.is_partial, line.text}); }

 private:
  const LogsOptions& options_;
  std::string prefix_, colour_;
  std::optional<base::Time> since_, until_;
};

/// Keeps the last lines. Of a journal and of files.
template <class Line>
class LastLines {
 public:
  explicit LastLines(std::int64_t lines) : lines_(lines) {}
  void add(Line line) {
    // Pieces of a line count when it ends, or when nothing comes after them.
    const bool is_whole = !line.is_partial;
    kept_.push_back(std::move(line));
    whole_ += is_whole ? 1 : 0;
    while (!kept_.empty() && whole_ + (kept_.back().is_partial ? 1 : 0) > lines_) {
      whole_ -= kept_.front().is_partial ? 0 : 1;
      kept_.pop_front();
    }
  }
  std::deque<Line> take() { return std::exchange(kept_, {}); }

 private:
  std::int64_t lines_;
  std::int64_t whole_ = 0;
  std::deque<Line> kept_;
};

/// A container's log. What is read is put behind `lines`.
class LogSource {
 public:
  LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;
  virtual ~LogSource() = default;
  /// Reads a piece. False, when there is nothing more now.
  virtual bool read(std::deque<JournalLine>& lines) = 0;
  /// From now on there is more when followed() is readable.
  virtual void begin_following() = 0;
  virtual int followed() const = 0;
  virtual void drain() = 0;
  /// The container has ended, and all that it has written can be read.
  virtual void note_end() = 0;
};
/// @throws Error unsupported, when it keeps none.
std::unique_ptr<LogSource> open_log(const storage::ContainerDir& container, const storage::ContainerRecord& record);

}  // namespace engine
