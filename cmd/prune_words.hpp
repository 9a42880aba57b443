#pragma once

#include <string>
#include <vector>

#include "cmd/option_table.hpp"
#include "engine/upkeep.hpp"

// What the prune commands have in common.

namespace cmd {

struct PruneWords {
  engine::PruneOptions options;
  bool force = false;
  bool asks() const { return !force && !options.dry_run; }
};

/// --force, --filter and --dry-run.
void declare_prune_options(OptionTable& table, PruneWords& words);

/// Ids or names, one a line, under a heading when there are any; nothing for an empty list.
std::string list_under(const std::string& heading, const std::vector<std::string>& names);
/// "Would remove …" for --dry-run, with what it would free.
std::string dry_run_text(const engine::PruneReport& report);

}  // namespace cmd
