#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/mount_words.hpp"
#include "engine/run_options.hpp"

namespace engine {

struct ResolvedMounts {
  std::vector<MountWord> mounts;  ///< Sources of volumes are host paths now.
  std::vector<std::string> named_volumes;
  std::vector<std::string> anonymous_volumes;
  struct CopyUp {
    std::string volume;
    std::string destination;
  };
  std::vector<CopyUp> copy_ups;  ///< New volumes to be filled with the image's content before the first start.
};

/// Understands -v, --mount and --tmpfs, adds an anonymous volume for each VOLUME of the image that nothing covers,
/// checks bind sources and makes volumes. A later mount on the same destination replaces an earlier one of the image,
/// and is an error among the user's own. `work_dir`: our current directory, for relative sources.
ResolvedMounts resolve_mounts(Engine& engine, const RunOptions& options, const std::vector<std::string>& image_volumes,
                              const std::string& work_dir);

/// Fills new volumes from the image, in one child inside the mapped user namespace.
void copy_up_volumes(Engine& engine, const std::string& container_id,
                     const std::vector<ResolvedMounts::CopyUp>& wanted);

}  // namespace engine
