#pragma once

#include <string>

#include "cmd/oci_words.hpp"

namespace cmd {

/// The options of `update` as linux.resources of config.json. @throws Error invalid_argument for what is no number.
std::string resources_of_words(const OciWords& words);

}  // namespace cmd
