#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/context.hpp"
#include "storage/containers.hpp"

// What happened to containers, images and volumes: a line of JSON each, as podman's log of kind "file" has them, in
// events/events.log of the run folder. Every command and monitor appends by one write(2). A log that has grown too long
// becomes events.log.1; the one that had that name goes.

namespace engine {

struct Event {
  std::string type;    ///< "container", "image", "volume", "system"
  std::string status;  ///< "create", "died", …
  std::string id;      ///< 64 hexadecimal digits, or empty.
  std::string name;
  std::string image;
  int exit_code = 0;
  std::string health_status;                                                   ///< Of an event "health_status".
  std::optional<std::vector<std::pair<std::string, std::string>>> attributes;  ///< Labels of a container.
  base::Time time{};
};

/// One object without line end, as podman 4.3 writes it. Source: podman's libpod/events, by its output.
std::string event_json(const Event& event);

/// Appends an event of now; whatever fails only becomes a message for debugging.
void note_event(const Engine& engine, Event event) noexcept;
void note_container_event(const Engine& engine, const storage::ContainerRecord& record, std::string_view status,
                          int exit_code = 0) noexcept;

/// @param id  Of an image, with or without its algorithm; may be empty.
void note_image_event(const Engine& engine, std::string_view status, std::string_view id,
                      const std::string& name) noexcept;
void note_volume_event(const Engine& engine, std::string_view status, const std::string& name) noexcept;

/// A container's event in parts, for its monitor: "{" head NAME "\",\"Status\":\"" STATUS "\",\"Time\":\"" TIME tail.
struct EventParts {
  std::string path;  ///< Absolute, of the log. Empty: no events are kept.
  std::string head, name, tail;
};
EventParts event_parts(const Engine& engine, const storage::ContainerRecord& record);
/// In a container's folder: its name since a rename, for the monitor that was told another one.
inline constexpr const char* renamed_name = "name";

/// @throws Error invalid_argument, when containers.conf names no logger that there is. One that is none of ours, the
/// journal, is a file as well.
void check_events_logger(const Config& config);

struct EventsOptions {
  bool stream = true;        ///< Wait for more; without `since` and `until` only those are shown.
  std::string since, until;  ///< As `logs` has them.
  std::vector<std::string> filters;
};
/// Calls `show` for each event that is meant, oldest first. Returns at `until`, or when a signal ends the process.
/// @throws Error invalid_argument for a filter or a time that is none. Source: podman-events(1).
void events(Engine& engine, const EventsOptions& options, const std::function<void(const Event&)>& show);

}  // namespace engine
