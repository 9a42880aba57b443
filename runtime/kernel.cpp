#include "runtime/kernel.hpp"

#include <string_view>
#include <sys/utsname.h>
#include <utility>

#include "base/error.hpp"

namespace runtime {

KernelFeatures kernel_features(unsigned major, unsigned minor) {
  const std::pair version{major, minor};
  return {.assembles_detached = version >= std::pair{6u, 15u},
          .overlay_takes_fds = version >= std::pair{6u, 13u},
          .overlay_appends = version >= std::pair{6u, 5u}};
}

KernelFeatures running_kernel_features() {
  utsname names{};
  if (::uname(&names) != 0) throw base::os_error("asking for the kernel's version");
  unsigned numbers[2] = {0, 0};  // "6.18.44-…": digits up to the first two other bytes
  unsigned index = 0;
  for (const char c : std::string_view{names.release}) {
    if (c >= '0' && c <= '9')
      numbers[index] = numbers[index] * 10 + static_cast<unsigned>(c - '0');
    else if (++index == 2)
      break;
  }
  return kernel_features(numbers[0], numbers[1]);
}

}  // namespace runtime
