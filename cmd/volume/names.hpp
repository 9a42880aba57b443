#pragma once

#include <string>
#include <vector>

#include "cmd/invocation.hpp"
#include "cmd/option_table.hpp"

namespace cmd {

/// Which volumes a command is about: names, or all of them.
struct VolumeChoice {
  std::vector<std::string> names;
  bool all = false;
};

void declare_volume_words(OptionTable& table, VolumeChoice& choice, bool takes_all);
/// @throws Error invalid_argument, when nothing was named, or names and --all were given.
std::vector<std::string> chosen_volumes(Invocation& invocation, const VolumeChoice& choice);

}  // namespace cmd
