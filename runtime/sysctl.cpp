#include "runtime/sysctl.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/path_in_root.hpp"

namespace runtime {

std::string path_of_sysctl(const std::string& name) {
  std::string path = "sys/" + name;
  // With slashes as separators, dots belong to the names, as in "net/ipv4/conf/eth0.100/forwarding".
  if (name.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

void write_sysctls(int proc, const std::vector<std::pair<std::string, std::string>>& sysctls) {
  for (const auto& [name, value] : sysctls)
    base::with_context(
        [&, &key = name, &text = value] {
          const base::UniqueFd file = base::open_beneath(proc, path_of_sysctl(key), O_WRONLY);
          base::write_all(file.get(), text);
        },
        "setting sysctl ", base::quoted(name));
}

}  // namespace runtime
