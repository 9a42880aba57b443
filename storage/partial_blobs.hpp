#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "storage/store.hpp"

// Downloads that broke off: partial/<hex> holds the first bytes of a blob, until a later pull goes on with it, be that
// after a retry, a kill or a reboot. What the bytes are worth shows when the whole blob is hashed.

namespace storage {

/// How long the beginning of a blob is kept for a pull that may never come.
inline constexpr std::chrono::hours max_partial_age{24 * 14};

/// The file that one blob is downloaded into, locked: two processes never write to the same one.
class PartialBlob {
 public:
  /// Opens or makes it. Nothing when somebody else (also of this process) has it, when it holds more than `size_bytes`,
  /// or when it cannot be used for another reason: then the download is just not resumable.
  static std::optional<PartialBlob> open(const Store& store, const base::Digest& digest, std::uint64_t size_bytes);

  std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  const std::string& name() const noexcept { return name_; }
  base::UniqueFd take_folder() && { return std::move(folder_); }
  /// The lock goes with it.
  base::UniqueFd take_fd() && { return std::move(fd_); }

 private:
  PartialBlob(base::UniqueFd folder, std::string name, base::UniqueFd fd, std::uint64_t size_bytes)
      : folder_(std::move(folder)), name_(std::move(name)), fd_(std::move(fd)), size_bytes_(size_bytes) {}
  base::UniqueFd folder_;
  std::string name_;
  base::UniqueFd fd_;
  std::uint64_t size_bytes_;
};

/// How many bytes of that blob an earlier download left; 0: none.
std::uint64_t partial_bytes(const Store& store, const base::Digest& digest);
/// Those that nobody is working on, as paths of the store. @param older_than  Zero: all of them.
std::vector<std::string> idle_partials(const Store& store, const GcLock& lock, std::chrono::seconds older_than);
/// Removes those that are older than max_partial_age, unless the store is busy.
void remove_old_partials(const Store& store);

}  // namespace storage
