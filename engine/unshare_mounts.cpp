#include "engine/unshare_mounts.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount_classic.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;

}  // namespace

void require_unshare(const Engine& engine, std::string_view command) {
  if (engine.host.uid == 0) return;
  throw base::make_error(base::ErrorKind::unsupported, "engine ", command.substr(0, command.rfind(' ')),
                         " works inside engine unshare only")
      .with_hint(base::concat("engine unshare engine ", command));
}

bool is_mounted(const std::string& path) {
  const auto mounts =
      base::classic::parse_mountinfo(base::read_file(AT_FDCWD, "/proc/self/mountinfo", max_mountinfo_bytes));
  return std::any_of(mounts.begin(), mounts.end(), [&](const auto& mount) { return mount.place == path; });
}

}  // namespace engine
