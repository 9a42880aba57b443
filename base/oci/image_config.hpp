#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/platform.hpp"

namespace oci {

struct History {
  std::string created;
  std::string created_by;
  std::string comment;
  std::string author;
  bool empty_layer = false;
};

/// Source: OCI image-spec config.md; Docker's extra fields that a run needs are read too.
struct ImageConfig {
  Platform platform;
  std::string created;  ///< RFC 3339 as written; may be empty.
  std::string author;
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::vector<std::string> volumes;        ///< Keys of "Volumes".
  std::vector<std::string> exposed_ports;  ///< Keys of "ExposedPorts".
  std::vector<std::pair<std::string, std::string>> labels;
  std::string stop_signal;
  std::string healthcheck;  ///< Docker's "Healthcheck" as JSON; empty: none.
  std::vector<base::Digest> diff_ids;
  std::vector<History> history;
};

ImageConfig parse_image_config(std::string_view bytes, std::string what);

/// Chain ids of the layers, lowest first. Source: OCI image-spec config.md "Layer ChainID".
std::vector<base::Digest> chain_ids(const std::vector<base::Digest>& diff_ids);

}  // namespace oci
