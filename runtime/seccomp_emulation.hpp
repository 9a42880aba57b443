#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// Who everybody is in a container of a single id, and what the container may do.
struct RootEmulation {
  std::uint32_t uid = 0;  ///< The one id, as it is called inside.
  std::uint32_t gid = 0;
  std::vector<std::string> capabilities;  ///< Of the first process: without CAP_CHOWN, chown(2) fails as ever.
};

/// A profile in OCI form whose filter answers "done" to what a single id cannot do, and does nothing: chown(2) to other
/// ids, setuid(2), setgid(2), setgroups(2) and their relatives, and device nodes of mknod(2). With the ids that there
/// are, and with other kinds of files, these calls are the kernel's as before. What the profile does not allow, or
/// allows on conditions of its own, stays as it says.
/// @param profile_json  `linux.seccomp`; empty: all else is allowed.
/// @throws Error corrupt, as parse_seccomp.
std::string with_root_emulation(std::string_view profile_json, const RootEmulation& emulation);

}  // namespace runtime
