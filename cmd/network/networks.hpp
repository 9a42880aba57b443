#pragma once

#include <string_view>

namespace cmd {

/// types.Network of podman, for templates; the notation is that of shapes.hpp.
extern const std::string_view network_shapes;

}  // namespace cmd
