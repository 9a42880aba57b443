#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/stream.hpp"
#include "storage/partial_blobs.hpp"
#include "storage/store.hpp"

namespace storage {

std::optional<base::UniqueFd> open_blob(const Store& store, const base::Digest& digest);
bool has_blob(const Store& store, const base::Digest& digest);
/// Whole blob, its digest verified. @throws Error not_found; corrupt when damaged or longer than `limit_bytes`.
std::string read_blob(const Store& store, const base::Digest& digest, std::size_t limit_bytes);

/// Receives the bytes of one blob, verifies digest and size, and publishes on commit(). Not committed: nothing is left.
/// The bytes collect in a temporary file of `staging_dir`; nothing is flushed (Staging::flush does that once for all).
class BlobWriter final : public base::Sink {
 public:
  /// `size_bytes`: the size its descriptor promises; nothing: unknown.
  BlobWriter(const Store& store, int staging_dir, base::Digest expected, std::optional<std::uint64_t> size_bytes);
  /// Goes on with an earlier download. Not committed: its bytes stay there for the next one, until discarded.
  BlobWriter(const Store& store, PartialBlob partial, base::Digest expected, std::uint64_t size_bytes);
  ~BlobWriter() override;
  /// What the earlier download left is hashed and handed to `also`; once, before anything is written.
  void replay(base::Sink& also);
  /// @throws Error corrupt, as soon as there are more bytes than promised; no_space.
  void write(std::string_view bytes) override;
  std::uint64_t written_bytes() const noexcept { return written_; }
  bool is_of(const base::Digest& digest) const noexcept { return expected_ == digest; }
  /// Digest and size hold. @throws Error corrupt otherwise.
  void verify();
  /// The temporary file, readable from its start by a new open of /proc/self/fd/N or by pread.
  int fd() const noexcept { return fd_.get(); }
  /// Renames into blobs/; put_image makes that durable. Call verify() (and flush the staging folder) first.
  void commit();
  /// Without a commit nothing stays, from now on: the bytes are wrong, or nobody will go on with them.
  void keep_nothing() noexcept { keeps_bytes_ = false; }

 private:
  const Store& store_;
  base::Digest expected_;
  std::optional<std::uint64_t> size_bytes_;
  std::uint64_t written_ = 0;
  base::Sha256 hash_;
  bool verified_ = false;
  bool keeps_bytes_ = false;
  base::UniqueFd own_dir_;  ///< Where dir_ is not the caller's.
  int dir_;
  std::string name_;
  base::UniqueFd fd_;
};

/// A small blob (manifest, config) in one call. Under its name there are never but all of its bytes, also after power
/// loss; put_image makes the name itself durable. Takes the garbage lock, shared, for a moment.
void put_blob(const Store& store, const base::Digest& digest, std::string_view bytes);

}  // namespace storage
