#pragma once

#include <optional>
#include <string>

namespace engine {

/// The loader of shared libraries that a program names, or else the first of these libraries, that is not on this host:
/// as where another C library or another version is used. The kernel would only say that the program does not exist,
/// the loader end with 127. Nothing for what is linked statically, is no program, or where it cannot be told.
std::optional<std::string> missing_library(const std::string& program);

}  // namespace engine
