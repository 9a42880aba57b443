#pragma once

#include <string>

#include "cmd/option_table.hpp"
#include "cmd/options_image.hpp"
#include "cmd/progress_bar.hpp"
#include "engine/append.hpp"

namespace cmd {

/// What append and mutate have in common.
struct DerivedWords {
  engine::DerivedPlace place;
  PlatformWords platform;
  std::string format;
  bool quiet = false;
};

void declare_derived_options(OptionTable& table, DerivedWords& words);
engine::DerivedPlace place_of(const DerivedWords& words);
/// The image's id, or JSON.
void print_derived(const engine::DerivedImage& image, const DerivedWords& words);

}  // namespace cmd
