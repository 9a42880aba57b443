#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace storage {

/// Whose ids the files of an unpacked layer have.
enum class LayerOwners {
  mapped,   ///< The true ones, seen from a user namespace with the map of that variant.
  single,   ///< All are root's there.
  unknown,  ///< Another map's: owners are not compared.
};

struct LayerDifferences {
  std::uint64_t count = 0;
  std::vector<std::string> first;  ///< A few of them: "\"etc/passwd\" is missing".
};

/// Compares the tree of a layer with its owner manifest: every name, type, mode, owner, size, content, capability, link
/// and opaque mark. Times are not compared. To be called inside the user namespace, where every file can be read.
/// @param diff    The unpacked tree. Borrowed.
/// @param owners  The manifest, from its start. Borrowed.
/// @throws Error corrupt, when the manifest cannot be used.
LayerDifferences compare_layer(int diff, int owners, LayerOwners whose);

}  // namespace storage
