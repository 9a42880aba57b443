#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "storage/unpack.hpp"

// What `pull` and its child `engine-transfer _unpack` say to each other (ARCHITECTURE.md 8.4). The child lives in the
// mapped user namespace, so that files can get their true owners; it has neither network nor credentials.
//
//   pull                              _unpack
//   staging          ─────────▶   StagingPlace; descriptors: the folder above staging folders, and that of layers
//                                 the child locks itself in there; of the layers below it may only read
//   unpack           ─────────▶   LayerJob; descriptors: an empty folder, compressed bytes, reply channel
//                                 (as many at once as pull likes; each in a thread of its own)
//                    ◀─────────   on the reply channel: unpacked, UnpackResult follows
//                    ◀─────────                     or: failed, the error follows
//                    ◀─────────                     or: end of file, the child died
//   adopt            ─────────▶   AdoptJob, when it and all layers below are unpacked; descriptor: reply channel
//                    ◀─────────   on the reply channel: as above
//   done             ─────────▶   no job is left and all is well; the child exits
//   (end of file)    ─────────▶   without done: pull failed or was killed. The child stops its jobs, removes the
//                                 staging folder, which nobody else may do for all owners in it, and exits
//
// `volume import` says only this to its own:
//   volume           ─────────▶   VolumePlace; descriptors: the volume's folder, the archive's bytes
//                    ◀─────────   unpacked or failed, as above; the child exits
//
// Each message is one byte, then its payload: fields, one a line.

namespace engine {

enum class UnpackMessage : char { staging = 1, unpack, unpacked, failed, adopt, done, volume };

struct StagingPlace {
  std::string name;
  storage::UnpackLimits limits;     ///< Of all its layers together, or of each, as unpack_limits.hpp says.
  std::vector<std::string> lowers;  ///< Folders of layers that were unpacked before, below the folder of layers.
};

/// storage::adopt_implied_directories for one layer.
struct AdoptJob {
  struct Lower {
    bool staged;         ///< In the staging folder; else in the folder of layers.
    std::string folder;  ///< Its name there.
  };
  std::string folder;  ///< Of the layer, in the staging folder.
  storage::OwnerPolicy owners;
  std::string variant;        ///< Id variant of the lower layers in the folder of layers.
  std::vector<Lower> lowers;  ///< Highest first.
};

struct VolumePlace {
  storage::OwnerPolicy owners;
  storage::UnpackLimits limits;
};

struct LayerJob {
  oci::LayerCompression compression;
  base::Digest diff_id;
  storage::OwnerPolicy owners;
};

std::string encode(const StagingPlace& place);
std::string encode(const AdoptJob& job);
std::string encode(const LayerJob& job);
std::string encode(const VolumePlace& place);
std::string encode(const storage::UnpackResult& result);
std::string encode(const base::Error& error);
std::string encode_done();

/// The first byte. @throws Error internal, for an empty or unknown message.
UnpackMessage kind_of(std::string_view message);
// Each throws Error internal, naming both, for another message than it expects, or a malformed one.
StagingPlace decode_staging(std::string_view message);
AdoptJob decode_adopt(std::string_view message);
LayerJob decode_job(std::string_view message);
VolumePlace decode_volume(std::string_view message);
/// @throws the Error that the child sent, when it sent one.
storage::UnpackResult decode_result(std::string_view message);

}  // namespace engine
