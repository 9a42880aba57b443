#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace engine {

/// An error on its way from one of our processes to another: kind, errno, message and hint.
std::string encode_error(const base::Error& error);
/// What encode_error made; the sender is one of ours.
base::Error decode_error(std::string_view bytes);

}  // namespace engine
