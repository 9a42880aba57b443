#pragma once

#include <cstdint>
#include <functional>

#include "base/digest.hpp"
#include "base/oci/manifest.hpp"
#include "base/stream.hpp"
#include "storage/tree_stream.hpp"
#include "storage/unpack_budget.hpp"
#include "storage/unpack_limits.hpp"

// Library storage_unpack: linked into engine-transfer only (zstd, ISA-L or zlib).

namespace storage {

/// How true owners become owners on disk.
enum class OwnerPolicy {
  mapped,  ///< We are root of a user namespace with the full map: chown to the true ids.
  single,  ///< One id only: everything is ours; true owners live in the owner manifest alone.
};

struct UnpackRequest {
  base::Source& compressed;
  oci::LayerCompression compression;
  base::Digest expected_diff_id;
  int target_dir;  ///< An empty folder; receives diff/ and owners; an empty file "opaque" when it hides all below;
                   ///< and "implied" (implied_directories.hpp).
  OwnerPolicy owners;
  UnpackLimits limits;
  UnpackBudget* budget = nullptr;  ///< Shared with the other layers of the image; none: this layer has its own.
  /// Called once, from the caller's thread, when unpacking failed while `compressed` may still be read: must make a
  /// read that waits for bytes return 0 or throw. Needed where the source can be silent for long (a pipe); else empty.
  std::function<void()> stop_source = nullptr;
};

struct UnpackResult {
  std::uint64_t unpacked_bytes = 0;
  std::uint64_t entries = 0;
  std::uint64_t skipped_devices = 0;
  std::uint64_t dropped_xattrs = 0;
  std::uint64_t implied_directories = 0;  ///< See implied_directories.hpp; that is the caller's next step.
};

/// Unpacks one layer, tar being read by our own reader (unpack_tar.hpp). The diff id is verified over all bytes,
/// trailing ones included; on any error nothing of it may be used (the caller's staging folder is removed). Inflating
/// runs in a second thread. Whiteouts become character devices 0:0, opaque directories the xattr user.overlay.opaque=y.
UnpackResult unpack_layer(const UnpackRequest& request);

struct UnpackFilesRequest {
  base::Source& compressed;  ///< Or not compressed: the first bytes say.
  int target_dir;            ///< What is in it is kept, or replaced by what has the same name.
  int unused_manifest;       ///< The manifest of owners goes there: /dev/null, which a sandbox may not let us open.
  OwnerPolicy owners;
  UnpackLimits limits;
};

/// Unpacks an archive of files, which is no layer: names like ".wh.x" mean nothing, and no digest is known. The limits,
/// and the care about paths and links, are those of layers. What was unpacked before an error stays.
UnpackResult unpack_files(const UnpackFilesRequest& request);

/// Reads an archive of files, compressed or not, and hands its entries on; contents through pipes, so that whoever
/// takes them must read them before the next entry comes. Devices are left out. @throws Error corrupt.
void stream_files(base::Source& compressed, const UnpackLimits& limits, EntrySink& sink);

}  // namespace storage
