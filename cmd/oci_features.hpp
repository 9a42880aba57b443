#pragma once

#include <string>

namespace cmd {

/// The structure of features.md and features-linux.md: what this build recognizes, whatever the host has.
std::string features_json();

}  // namespace cmd
