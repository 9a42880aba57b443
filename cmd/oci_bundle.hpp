#pragma once

#include <string>

#include "cmd/oci_state.hpp"
#include "cmd/oci_verbs.hpp"
#include "runtime/spec.hpp"

namespace cmd {

/// A bundle that shall become a container.
struct OciBundle {
  std::string path;  ///< Absolute.
  std::string json;
  runtime::Spec spec;
};

/// --bundle and --config.
OciBundle read_oci_bundle(const OciWords& words);
/// The copy of config.json in a container's folder.
runtime::Spec read_oci_spec(const OciContainer& container);

runtime::CgroupRequest cgroup_request(const OciGlobals& globals, const OciBundle& bundle, const std::string& id);

/// Numbers 3, 4, … as many as --preserve-fds says, and those of $LISTEN_FDS before them.
std::vector<int> preserved_descriptors(const OciWords& words);

}  // namespace cmd
