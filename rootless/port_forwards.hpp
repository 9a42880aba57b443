#pragma once

#include <string>
#include <vector>

#include "rootless/ports.hpp"

namespace rootless {

/// Has a slirp4netns that is ready forward these ports, over its socket `name` in `folder`, whose name is gone then.
/// Both it and pasta keep the source address of whoever connects; connections of the host itself seem to come from the
/// container's gateway.
/// @throws Error command_not_usable, naming the port. Source: slirp4netns(1), "API SOCKET".
void forward_by_slirp4netns(int folder, const std::string& name, const std::vector<PortMapping>& mappings);

/// Pure: the options of pasta(1) for these ports; "none" where neither they nor `words`, the user's options, say any.
std::vector<std::string> pasta_port_words(const std::vector<PortMapping>& mappings,
                                          const std::vector<std::string>& words);

/// Whether slirp4netns cannot do it, but pasta can: addresses of IPv6.
bool needs_pasta(const std::vector<PortMapping>& mappings);

/// @throws Error unsupported, naming what neither of them can forward.
void check_protocols(const std::vector<PortMapping>& mappings);

}  // namespace rootless
