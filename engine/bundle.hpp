#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/run_options.hpp"

namespace engine {

struct BundleOptions {
  RunOptions run;      ///< Of which the image, how it is fetched, and what the process is to be count.
  std::string folder;  ///< Must not exist, or be empty.
};

/// An OCI bundle of the image: config.json and a root file system of its own in "rootfs", for `engine runtime`, crun or
/// runc under the caller's ids. What was begun is removed when it fails. Returns the folder's absolute path.
/// @throws Error already_exists, not_found …
std::string make_bundle(Engine& engine, const BundleOptions& options);

/// Inside the user namespace: the tree of a bundle, in the folder at words[1]; words[2] is the id variant, the rest are
/// chain ids, lowest first.
void make_bundle_tree_inside(Engine& engine, const std::vector<std::string>& words);

}  // namespace engine
