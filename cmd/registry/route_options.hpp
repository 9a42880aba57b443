#pragma once

#include <string>

#include "cmd/option_table.hpp"
#include "engine/remote.hpp"

namespace cmd {

/// How to reach two registries at once, in skopeo's words: `--src-tls-verify`, `--dest-creds`, `--authfile` for both.
struct RouteWords {
  engine::RemoteOptions from;
  engine::RemoteOptions to;
  engine::RemoteOptions both;
  bool from_nobody = false;  ///< --src-no-creds
  bool to_nobody = false;
  std::string from_user, from_password, to_user, to_password;
};
void declare_route_options(OptionTable& table, RouteWords& words);

/// What was given for one side, else what was given for both. @throws Error invalid_argument, for what excludes
/// another.
engine::RemoteOptions source_options(const RouteWords& words);
engine::RemoteOptions destination_options(const RouteWords& words);

}  // namespace cmd
