#pragma once

#include <cstddef>

namespace runtime {

// The three freestanding programs as bytes; written at build time by embed.py.
extern const unsigned char stage_image[];
extern const std::size_t stage_image_size;
extern const unsigned char monitor_image[];
extern const std::size_t monitor_image_size;
extern const unsigned char init_image[];
extern const std::size_t init_image_size;

}  // namespace runtime
