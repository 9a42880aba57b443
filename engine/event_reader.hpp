#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "engine/events.hpp"

namespace engine {

// In the run folder.
inline constexpr const char* event_folder = "events";
inline constexpr const char* event_log = "events.log";
inline constexpr const char* older_event_log = "events.log.1";

/// Reads the log line by line, on and on, also past its rotation.
class EventReader {
 public:
  /// @param from_start  Else what is there already is passed over.
  EventReader(const std::string& run, bool from_start);
  /// Every whole line that has come since.
  void read(const std::function<void(const Event&)>& use);
  /// Waits until something was written, a signal came, or `milliseconds` have passed; -1: for ever.
  void wait(int milliseconds);

 private:
  void read_file(const std::function<void(const Event&)>& use);
  bool was_rotated() const;

  base::UniqueFd folder_, file_, changes_;
  std::string rest_;  ///< Of a line whose end has not come.
};

/// Nothing for a line that is none of ours.
std::optional<Event> parse_event(std::string_view line);

}  // namespace engine
