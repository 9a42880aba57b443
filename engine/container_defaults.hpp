#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/toml_file.hpp"

namespace engine {

/// An option of `run` and `create` that containers.conf has a value for.
struct ConfiguredOption {
  std::string name;                 ///< Without dashes.
  std::vector<std::string> values;  ///< As they would be typed: several for lists, else one.
  std::string_view gives_way_to;    ///< Options that the user may have given instead: "no-hosts|add-host".
  bool joins = false;  ///< A list that comes before what the user gives; else what the user gives replaces it.
  std::string file;    ///< Where it stands, for errors.
};

/// What containers.conf says of containers whose command line does not. Source: containers.conf(5); podman 4.3 for what
/// joins and what is replaced.
struct ContainerDefaults {
  std::vector<ConfiguredOption> options;
  std::vector<std::string> environment;  ///< NAME=VALUE; what the image has comes before it.
  std::optional<std::vector<std::string>> capabilities;
  std::vector<std::string> sysctls;   ///< NAME=VALUE, where the container has the namespace that they belong to.
  std::string host_address;           ///< Of host.containers.internal; empty: found out.
  std::vector<std::string> host_ips;  ///< Where ports are published that are given without an address.
  std::vector<std::string> pasta_options, slirp_options;  ///< Of networks that are asked for without options.
  std::vector<std::string> helper_dirs;                   ///< Where slirp4netns and pasta are looked for first.
  std::vector<std::string> hooks_dirs;                    ///< Of hooks' files; root has podman's unless they are named.
};

/// Lays one file over what `defaults` has. An array with {append=true} adds to the files before it.
void apply_container_defaults(ContainerDefaults& defaults, const TomlFile& file, const std::string& name);

/// --cdi-spec-dir of the whole command line, which replaces that of the files.
void use_cdi_folders(ContainerDefaults& defaults, const std::vector<std::string>& folders);

/// The words of --publish, each without an address at all of `ips`; as they are when there are none.
std::vector<std::string> publish_at(const std::vector<std::string>& ips, const std::vector<std::string>& words);

/// The keys it follows, for `mentions` and `config list`.
std::vector<std::string_view> container_default_keys();

}  // namespace engine
