#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/fd.hpp"
#include "storage/owner_translation.hpp"

namespace storage {

/// A tree of a layer, and the empty directory that becomes the same tree with other owners.
struct ShiftedTree {
  base::UniqueFd source;
  base::UniqueFd target;
};

/// Makes all targets, over `threads` threads: directories anew; files by FICLONE where the file system has it, else by
/// their data without the holes; a hard link where the owner stays and translation.keeps_root(), since no variant is
/// ever written to. Hard links within a tree stay, and so do whiteouts, opaque directories, modes, times and
/// attributes; file capabilities are given to the other root.
/// Called without umask, inside a user namespace that maps the ids of both sides. Few descriptors are open however deep
/// the trees are.
/// @param report  Called from one of the threads, now and then, with the bytes of content done so far. May throw.
/// @throws Error the first that a thread met; unsupported, naming the file, when its owner has no counterpart.
void shift_trees(const std::vector<ShiftedTree>& trees, const OwnerTranslation& translation, unsigned threads,
                 const std::function<void(std::uint64_t)>& report);

}  // namespace storage
