#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// A profile in OCI form that fails these calls with EPERM. @param profile_json  `linux.seccomp`; empty: all else is
/// allowed. @throws Error corrupt, as parse_seccomp.
std::string without_calls(std::string_view profile_json, const std::vector<std::string>& names);

}  // namespace runtime
