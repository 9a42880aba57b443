#pragma once

#include "engine/context.hpp"

namespace engine {

/// `engine-transfer _read-archive`, cp's child: the tar on standard input, compressed or not, as entries over the
/// channel that is descriptor 3 (copy_words.hpp).
int read_archive_for_copy(Engine& engine);

}  // namespace engine
