#pragma once

#include <string>
#include <vector>

#include "cmd/invocation.hpp"
#include "cmd/option_table.hpp"

namespace cmd {

/// Which containers a command is about, besides names on the command line.
struct ContainerChoice {
  std::vector<std::string> names;
  std::vector<std::string> cidfiles;
  std::vector<std::string> filters;  ///< As those of ps.
  bool all = false;
  bool latest = false;
  bool missing_files_too = false;  ///< A cidfile that is not there names nothing: --ignore.
};

/// Ids from files that `run --cidfile` wrote.
void declare_cidfile_option(OptionTable& table, ContainerChoice& choice);
void declare_latest_option(OptionTable& table, ContainerChoice& choice);
/// --filter instead of names. @param letter  0: none.
void declare_filter_option(OptionTable& table, ContainerChoice& choice, char letter);
/// CONTAINER..., which may be missing when one of the options takes its place.
void declare_container_words(OptionTable& table, ContainerChoice& choice, Completes completes);

/// The names, with the latest container and the ids of cidfiles among them; with --all the ids of all containers.
/// @throws Error invalid_argument when nothing was chosen, or --all together with names; not_found for a missing
/// cidfile.
std::vector<std::string> chosen_names(Invocation& invocation, const ContainerChoice& choice);

/// The id of the container that was created last. @throws Error not_found.
std::string latest_container(Invocation& invocation);

}  // namespace cmd
