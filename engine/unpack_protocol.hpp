#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "storage/unpack.hpp"

// What `pull` and its child `engine-transfer _unpack` say to each other (ARCHITECTURE.md 8.4). The child lives in the
// mapped user namespace, so that files can get their true owners; it has neither network nor credentials.
//
//   pull                              _unpack
//   staging          ─────────▶   name of the staging folder; descriptor: the folder above it
//                                 the child locks itself in there
//   unpack           ─────────▶   LayerJob; descriptors: an empty folder, compressed bytes, reply channel
//                                 (as many at once as pull likes; each in a thread of its own)
//                    ◀─────────   on the reply channel: unpacked, UnpackResult follows
//                    ◀─────────                     or: failed, the error follows
//                    ◀─────────                     or: end of file, the child died
//   done             ─────────▶   no job is left and all is well; the child exits
//   (end of file)    ─────────▶   without done: pull failed or was killed. The child stops its jobs, removes the
//                                 staging folder, which nobody else may do for all owners in it, and exits
//
// Each message is one byte, then its payload: fields, one a line.

namespace engine {

enum class UnpackMessage : char { staging = 1, unpack, unpacked, failed, done };

struct LayerJob {
  oci::LayerCompression compression;
  base::Digest diff_id;
  storage::OwnerPolicy owners;
};

std::string encode_staging(std::string_view name);
std::string encode(const LayerJob& job);
std::string encode(const storage::UnpackResult& result);
std::string encode(const base::Error& error);
std::string encode_done();

/// The first byte. @throws Error internal, for an empty or unknown message.
UnpackMessage kind_of(std::string_view message);
// Each throws Error internal, naming both, for another message than it expects, or a malformed one.
std::string decode_staging(std::string_view message);
LayerJob decode_job(std::string_view message);
/// @throws the Error that the child sent, when it sent one.
storage::UnpackResult decode_result(std::string_view message);

}  // namespace engine
