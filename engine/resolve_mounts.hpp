#pragma once

#include <string>
#include <vector>

#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/mount_words.hpp"
#include "engine/run_options.hpp"
#include "storage/containers.hpp"

namespace engine {

struct ResolvedMounts {
  std::vector<MountWord> mounts;  ///< Sources of volumes and images are host paths now.
  std::vector<std::string> named_volumes;
  std::vector<std::string> anonymous_volumes;
  struct Overlay {
    std::string folder;  ///< Of the container.
    std::string source;
  };
  std::vector<Overlay> overlays;               ///< Option O.
  std::vector<std::string> inherited_volumes;  ///< Those of them that --volumes-from brought.
  struct CopyUp {
    std::string volume;
    std::string destination;
  };
  std::vector<CopyUp> copy_ups;  ///< New volumes to be filled with the image's content before the first start.
  struct OwnerChange {
    std::string source;  ///< Path on the host.
    std::string subpath;
  };
  std::vector<OwnerChange> owner_changes;  ///< Option U.
  struct ImageMount {
    std::vector<std::string> chain_ids;  ///< Lowest first, as digests.
    std::string copy;                    ///< Folder of the container for a writable copy; empty: read-only.
  };
  std::vector<ImageMount> images;
};

/// What the container is known to be while its mounts are resolved.
struct MountOwner {
  const std::string& container_id;
  const std::string& variant;   ///< Id variant of its layers.
  const std::string& work_dir;  ///< Our current directory, for relative sources.
};

/// Understands -v, --mount, --tmpfs and --volumes-from, adds an anonymous volume for each VOLUME of the image that
/// nothing covers, checks bind sources and makes volumes. A later mount on the same destination replaces an earlier one
/// of the image or of --volumes-from, and is an error among the user's own.
ResolvedMounts resolve_mounts(Engine& engine, const RunOptions& options, const std::vector<std::string>& image_volumes,
                              const MountOwner& owner);

/// What the mounts need before the first start: trees of images, then new volumes filled from the container's image,
/// then owners changed; each in one child inside the mapped user namespace.
/// @throws Error not_found, when a volume of --volumes-from was removed meanwhile.
void prepare_mounts(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts);

}  // namespace engine
