#pragma once

#include <optional>
#include <string>

namespace engine {

/// The loader of shared libraries that a program names and that is not on this host, as where another C library is
/// used; the kernel would only say that the program does not exist. Nothing for what is linked statically or no
/// program.
std::optional<std::string> missing_loader(const std::string& program);

}  // namespace engine
