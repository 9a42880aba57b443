#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// Home directory of `uid` in the text of a passwd(5) file; "/" when it has no usable line. Malformed lines are
/// skipped.
std::string home_of(std::string_view passwd, std::uint32_t uid);

/// Adds HOME, which programs rely on and config.json may leave out, from the /etc/passwd of the container, as runc and
/// crun do. Does nothing when it is there.
void add_home(std::vector<std::string>& env, int root, std::uint32_t uid);

}  // namespace runtime
