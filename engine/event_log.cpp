#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "base/lock.hpp"
#include "base/log.hpp"
#include "engine/event_reader.hpp"
#include "engine/events.hpp"

namespace engine {

using base::concat;

namespace {

constexpr std::size_t max_attributes_bytes = 64 * 1024;

base::UniqueFd open_log(const std::string& run) {
  constexpr int how = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  const std::string path = concat(run, "/", event_folder, "/", event_log);
  base::UniqueFd fd{::open(path.c_str(), how, 0600)};
  if (fd || errno != ENOENT) return fd;
  base::make_directories(AT_FDCWD, concat(run, "/", event_folder));
  return base::UniqueFd{::open(path.c_str(), how, 0600)};
}

/// Under a lock, and after another look: of two that found it too long, one moves it.
void rotate(const std::string& run, std::uint64_t max_bytes) {
  const base::UniqueFd folder = base::open_directory(AT_FDCWD, concat(run, "/", event_folder));
  const auto lock = base::FileLock::try_acquire(folder.get(), "lock", base::FileLock::Mode::exclusive);
  struct stat info {};
  if (!lock || ::fstatat(folder.get(), event_log, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (static_cast<std::uint64_t>(info.st_size) < max_bytes) return;
  base::rename_replace(folder.get(), event_log, folder.get(), older_event_log);
}

void append(const std::string& run, const std::string& line, std::uint64_t max_bytes) {
  const base::UniqueFd fd = open_log(run);
  if (!fd) throw base::os_error("opening the log of events");
  // One call: O_APPEND keeps the lines of several processes whole.
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw base::os_error("writing to the log of events");
  struct stat info {};
  if (max_bytes == 0 || ::fstat(fd.get(), &info) != 0) return;
  if (static_cast<std::uint64_t>(info.st_size) >= max_bytes) rotate(run, max_bytes);
}

void write_attributes(base::JsonWriter& json, const Event& event) {
  json.key("Attributes");
  if (!event.attributes) {
    json.null();
    return;
  }
  std::size_t bytes = 0;
  json.begin_object();
  for (const auto& [name, value] : *event.attributes)
    if ((bytes += name.size() + value.size()) <= max_attributes_bytes) json.member(name, value);
  json.end_object();
}

Event container_event(const storage::ContainerRecord& record, std::string_view status) {
  Event event{.type = "container", .status = std::string{status}, .id = record.id, .name = record.name};
  event.image = record.rootfs.empty() ? record.image_name : record.rootfs;
  event.attributes = record.labels;
  return event;
}

}  // namespace

std::string event_json(const Event& event) {
  base::JsonWriter json;
  json.begin_object();
  if (event.exit_code != 0) json.member("ContainerExitCode", event.exit_code);
  if (!event.id.empty()) json.member("ID", event.id);
  if (!event.image.empty()) json.member("Image", event.image);
  if (!event.name.empty()) json.member("Name", event.name);
  json.member("Status", event.status).member("Time", base::format_rfc3339(event.time)).member("Type", event.type);
  if (!event.health_status.empty()) json.member("health_status", event.health_status);
  write_attributes(json, event);
  json.end_object();
  return json.take();
}

void note_event(const Engine& engine, Event event) noexcept {
  try {
    if (engine.config.events_logger == "none") return;
    event.time = base::now();
    append(engine.config.run, event_json(event) + "\n", engine.config.events_max_bytes);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "an event is not recorded: ", error.message());
  } catch (const std::exception& error) {
    base::log(base::LogLevel::debug, "an event is not recorded: ", error.what());
  }
}

void note_container_event(const Engine& engine, const storage::ContainerRecord& record, std::string_view status,
                          int exit_code) noexcept {
  if (engine.config.events_logger == "none") return;
  Event event = container_event(record, status);
  event.exit_code = exit_code;
  note_event(engine, std::move(event));
}

void note_image_event(const Engine& engine, std::string_view status, std::string_view id,
                      const std::string& name) noexcept {
  const auto colon = id.find(':');
  if (colon != std::string_view::npos) id.remove_prefix(colon + 1);
  note_event(engine, {.type = "image", .status = std::string{status}, .id = std::string{id}, .name = name});
}

void note_volume_event(const Engine& engine, std::string_view status, const std::string& name) noexcept {
  note_event(engine, {.type = "volume", .status = std::string{status}, .id = {}, .name = name});
}

EventParts event_parts(const Engine& engine, const storage::ContainerRecord& record) {
  EventParts parts;
  if (engine.config.events_logger == "none") return parts;
  parts.path = concat(engine.config.run, "/", event_folder, "/", event_log);
  parts.name = record.name;
  // The event of a container without a name, cut where the name would be.
  const Event event = container_event(record, "");
  base::JsonWriter head, tail;
  head.begin_object().member("ID", event.id);
  if (!event.image.empty()) head.member("Image", event.image);
  head.member("Name", "").end_object();
  tail.begin_object().member("Type", event.type);
  write_attributes(tail, event);
  tail.end_object();
  const std::string opened = head.take();
  parts.head = opened.substr(1, opened.size() - 3);
  parts.tail = concat("\",", tail.take().substr(1), "\n");
  return parts;
}

}  // namespace engine
