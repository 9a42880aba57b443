#pragma once

#include "registry/image_writer.hpp"

namespace engine {

/// storage's decompressors, for what `registry` writes; with the limits of layers.
registry::Inflate layer_inflater();

}  // namespace engine
