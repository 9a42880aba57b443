#pragma once

#include <cstdint>
#include <string>

#include "storage/store.hpp"

namespace storage {

/// Blocks really used by `path` of the store, in bytes. To be called inside the user namespace, where all of a layer
/// can be read. Hard links count once, and files of a merged tree not at all: they are the layers'. Absent: 0.
std::uint64_t measure(const Store& store, const std::string& path);

}  // namespace storage
