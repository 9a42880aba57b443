#pragma once

#include <cstdint>
#include <optional>

#include "base/fd.hpp"
#include "runtime/cgroup.hpp"

namespace runtime {

/// Tells when processes of a container are killed for want of memory.
class OomWatch {
 public:
  /// @throws Error unsupported, when no memory controller counts for the container.
  static OomWatch start(const CgroupRecord& record);

  /// Readable, to poll(2), when there may be something new; v2: also when the last process ends.
  int fd() const noexcept { return events_.get(); }
  /// Takes what made it readable. @return kills (v1: shortages) since the last call; nothing when the cgroup is gone.
  std::optional<std::uint64_t> take();

 private:
  OomWatch() = default;
  std::optional<std::uint64_t> take_unified();
  std::optional<std::uint64_t> take_legacy();

  bool is_unified_ = false;
  base::UniqueFd folder_;
  base::UniqueFd events_;   // v2: inotify; v1: eventfd
  base::UniqueFd control_;  // v1: keeps memory.oom_control registered
  std::uint64_t kills_ = 0;
};

}  // namespace runtime
