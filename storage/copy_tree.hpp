#pragma once

#include <cstdint>
#include <sys/types.h>

#include "storage/tree_walk.hpp"

namespace storage {

/// The data of the first `size` bytes; holes stay holes. Returns the bytes of data.
std::uint64_t copy_data(int source, int target, off_t size);

/// Copies one entry that is no directory into entry.target_dir with all its attributes: FICLONE where the file system
/// has it, else its data without the holes. Returns the bytes really copied.
std::uint64_t copy_entry(const TreeEntry& entry);

/// Copies everything below `source` into the empty directory `target`: owners, modes, times, extended attributes, hard
/// links within the tree, holes. Shares no inode with the source. Returns the bytes really copied (0: all reflinked).
std::uint64_t copy_tree(int source, int target);

}  // namespace storage
