#pragma once

#include "base/channel.hpp"
#include "base/fd.hpp"
#include "engine/context.hpp"
#include "engine/unpack_protocol.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/staging.hpp"
#include "storage/unpack.hpp"

namespace engine {

/// The unpacking child as pull sees it. Unless finish() was called, the destructor (and likewise our death) makes the
/// child remove the staging folder; so it must go before the Staging does.
class Unpacker {
 public:
  /// Starts the child in the caller's mapped user namespace and gives it the staging folder. Costs one exec and, where
  /// ids are mapped, newuidmap. @throws Error unsupported, permission: no namespace can be had.
  /// @param lowers  Folders of layers that it may have to read (AdoptJob).
  Unpacker(Engine& engine, const storage::Staging& staging, std::vector<std::string> lowers);
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker();

  /// A layer that is being unpacked.
  class Layer {
   public:
    /// Waits for the verdict. @throws the child's Error; internal, when it died.
    storage::UnpackResult wait();

   private:
    friend class Unpacker;
    explicit Layer(base::Channel reply) : reply_(std::move(reply)) {}
    base::Channel reply_;
  };
  /// Has `compressed` (a pipe or a file) unpacked into `target`, an empty folder. From any thread.
  Layer unpack(oci::LayerCompression compression, const base::Digest& diff_id, int target, int compressed);
  /// Adopts the implied directories of one layer, when all are unpacked. @throws as Layer::wait.
  void adopt(std::string folder, std::vector<AdoptJob::Lower> lowers);
  /// All is well: waits until the child is gone, and nothing is removed.
  void finish();

 private:
  storage::OwnerPolicy owners_;
  std::string variant_;
  rootless::MappedChild child_;
};

}  // namespace engine
