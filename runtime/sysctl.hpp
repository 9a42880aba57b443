#pragma once

#include <string>
#include <utility>
#include <vector>

namespace runtime {

/// Writes sysctls of the container's own namespaces through `proc`, a procfs nobody else has mounted on; a file that
/// is covered by a mount is refused. Names were checked by parse_spec.
void write_sysctls(int proc, const std::vector<std::pair<std::string, std::string>>& sysctls);

/// "net.ipv4.ip_forward" and "net/ipv4/ip_forward" to "sys/net/ipv4/ip_forward". Source: sysctl(8).
std::string path_of_sysctl(const std::string& name);

}  // namespace runtime
