#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <sys/stat.h>

#include "storage/owner_translation.hpp"

namespace storage {

/// What the threads that shift trees share.
struct ShiftState {
  const OwnerTranslation& translation;
  std::atomic<bool> has_reflinks{true};  ///< Until the file system refuses the first.
};

/// Owner as `wanted` says, else as the source has it: attributes, also those that are overlay's, mode and times.
void shift_attributes(const ShiftState& state, int source, int target, const struct stat& wanted);

/// One entry that is no directory, from `source_dir` to `target_dir`.
/// @param info  Of the source. @param wanted  With the owner it shall have.
void shift_entry(ShiftState& state, int source_dir, int target_dir, const std::string& name, const struct stat& info,
                 const struct stat& wanted);

}  // namespace storage
