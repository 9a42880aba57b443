#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

// The state of `engine runtime`: one folder a container, <root>/<id>, with state.json, a copy of config.json, and the
// two FIFOs between `create` and `start`.

namespace cmd {

inline constexpr const char* start_fifo = "start";    ///< One byte lets the process run; gone once it does.
inline constexpr const char* report_fifo = "report";  ///< What the last stage reports to `start`.

/// state.json.
struct OciState {
  std::string id;
  std::string oci_version;
  std::string bundle;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< Of the process, in clock ticks since boot: tells a reused pid.
  std::string created;           ///< RFC 3339.
  std::uint32_t owner = 0;
  std::string rootfs;
  std::vector<std::pair<std::string, std::string>> annotations;
};

/// Folder of one container.
struct OciContainer {
  base::UniqueFd dir;
  OciState state;
};

/// "[A-Za-z0-9_+.-]+", as runc has it. @throws Error invalid_argument.
void check_oci_id(const std::string& id);

base::UniqueFd open_oci_root(const std::string& root);
/// Makes the folder. @throws Error already_exists.
base::UniqueFd make_oci_container(int root, const std::string& id);
void write_oci_state(int dir, const OciState& state);
/// @throws Error not_found.
OciContainer find_oci_container(const std::string& root, const std::string& id);
std::vector<OciContainer> list_oci_containers(const std::string& root);

/// "created", "running" or "stopped", from the process and the FIFO, never from the file.
std::string status_of(const OciContainer& container);
/// Empty when it is gone.
base::UniqueFd open_oci_process(const OciState& state);

/// runtime.md "State".
std::string state_json(const OciContainer& container);

}  // namespace cmd
