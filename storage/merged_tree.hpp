#pragma once

#include <vector>

#include "base/fd.hpp"

namespace storage {

/// Fills the empty directory `target` with what an overlay of `layers` (uppermost first) would show: files are hard
/// links into the layers, so the result may only be read; directories are made anew. Whiteouts and opaque directories
/// are applied and do not appear. With `may_link` false, as for shared stores, files are copies. Runs where the owners
/// of all files are mapped.
void merge_layers(const std::vector<base::UniqueFd>& layers, int target, bool may_link = true);

}  // namespace storage
