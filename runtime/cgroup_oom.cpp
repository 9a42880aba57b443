#include "runtime/cgroup_oom.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/cgroup_folder.hpp"

namespace runtime {
namespace {

using base::concat;
using base::quoted;

std::optional<std::uint64_t> kills_in(int folder) {
  const auto text = try_read_control(folder, "memory.events");
  return text ? value_in(*text, "oom_kill") : std::nullopt;
}

base::UniqueFd watch_files(const std::string& folder) {
  base::UniqueFd watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!watch) throw base::os_error("watching for memory shortage");
  // cgroup.events changes when the last process ends, which nothing else would tell.
  for (const char* file : {"/memory.events", "/cgroup.events"}) {
    const std::string path = folder + file;
    if (::inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY) < 0) throw base::os_error("watching ", quoted(path));
  }
  return watch;
}

std::string legacy_memory_path(const CgroupRecord& record) {
  for (const auto& [controllers, path] : record.legacy) {
    const auto names = base::split(controllers, ',');
    if (std::find(names.begin(), names.end(), "memory") != names.end()) return path;
  }
  return {};
}

}  // namespace

OomWatch OomWatch::start(const CgroupRecord& record) {
  OomWatch watch;
  const std::string legacy_path = legacy_memory_path(record);
  watch.is_unified_ = legacy_path.empty();
  const std::string& path = watch.is_unified_ ? record.unified : legacy_path;
  if (!path.empty()) watch.folder_ = try_open_cgroup(path);
  const auto inode = record.inode_of(path);
  if (watch.folder_ && inode && inode_of_cgroup(watch.folder_.get()) != *inode) watch.folder_.reset();
  const auto kills = watch.is_unified_ && watch.folder_ ? kills_in(watch.folder_.get()) : std::nullopt;
  if (!watch.folder_ || (watch.is_unified_ && !kills))
    throw base::make_error(base::ErrorKind::unsupported, "the container has no cgroup with the memory controller");
  if (watch.is_unified_) {
    watch.events_ = watch_files(path);
    // Again, for a kill between the two.
    watch.kills_ = kills_in(watch.folder_.get()).value_or(*kills);
    return watch;
  }
  watch.events_ = base::UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  watch.control_ =
      base::UniqueFd{::openat(watch.folder_.get(), "memory.oom_control", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!watch.events_ || !watch.control_) throw base::os_error("watching cgroup ", quoted(path));
  const int code = write_control(watch.folder_.get(), "cgroup.event_control",
                                 concat(watch.events_.get(), " ", watch.control_.get()));
  if (code != 0) throw base::error_from_code(code, concat("watching cgroup ", quoted(path)));
  return watch;
}

std::optional<std::uint64_t> OomWatch::take() {
  return is_unified_ ? take_unified() : take_legacy();
}

std::optional<std::uint64_t> OomWatch::take_unified() {
  char buffer[4096];
  while (::read(events_.get(), buffer, sizeof buffer) > 0) {
  }
  const auto kills = kills_in(folder_.get());
  if (!kills) return std::nullopt;
  const std::uint64_t fresh = *kills - std::min(kills_, *kills);
  kills_ = *kills;
  return fresh;
}

std::optional<std::uint64_t> OomWatch::take_legacy() {
  std::uint64_t count = 0;
  const bool is_told = ::read(events_.get(), &count, sizeof count) == sizeof count;
  // The kernel tells of the removal, too.
  if (!try_read_control(folder_.get(), "memory.oom_control")) return std::nullopt;
  return is_told ? count : 0;
}

}  // namespace runtime
