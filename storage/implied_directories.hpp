#pragma once

#include <string>
#include <vector>

#include "storage/unpack.hpp"

namespace storage {

/// One of the layers below: where its tree and its owner manifest are, relative to `dir`.
struct LowerLayer {
  int dir;
  std::string diff;
  std::string owners;
};

/// A directory that a layer uses but does not list is there already when layers are unpacked one over the other. As
/// unpack_layer sees one layer alone, it makes such directories up and names them in the file "implied" beside diff/.
/// This gives them what the layers below say of them (mode, owner, extended attributes, times), unless those are hidden
/// by a whiteout, an opaque directory or something that is no directory; adds that to the owner manifest; and removes
/// the file. The layers below must be complete in the same way.
/// @param target_dir  What unpack_layer filled.
/// @param lowers      Highest first.
void adopt_implied_directories(int target_dir, const std::vector<LowerLayer>& lowers, OwnerPolicy policy);

/// For unpack_layer. The root is the empty path; parents come before what is in them.
void write_implied_directories(int target_dir, const std::vector<std::string>& paths);

}  // namespace storage
