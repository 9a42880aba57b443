#pragma once

#include <string>
#include <vector>

#include "cmd/option_table.hpp"
#include "engine/manifest_list_verbs.hpp"

namespace cmd {

/// --annotation, --arch, --features, --os, --os-features, --os-version and --variant, as add and annotate have them.
void declare_instance_options(OptionTable& table, engine::InstanceWords& words);

}  // namespace cmd
