#pragma once

#include "base/error.hpp"

// Which errors tell what is there, and which only that it could not be looked at.

namespace storage {

/// True when the error is about content: damaged bytes, or something missing, or of another kind than it should be.
/// False for all that a second try, more descriptors or memory, or another disk cable may mend, and for records of a
/// newer engine: such an error is never a reason to give up what could not be read, or what only it keeps.
bool is_damage(const base::Error& error) noexcept;

}  // namespace storage
