#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/process_identity.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/hooks.hpp"
#include "runtime/intel_rdt.hpp"

// The state of `engine runtime`: one folder a container, <root>/<id>, with state.json, a copy of config.json, a lock,
// and the two FIFOs between `create` and `start`. What is there is made and changed by oci_folder.hpp; here it is read.

namespace cmd {

/// state.json.
struct OciState {
  std::string id;
  std::string oci_version;
  std::string bundle;
  bool is_creating = false;       ///< Its maker is at work, or was killed while it was.
  base::ProcessIdentity process;  ///< None while it is being created.
  base::ProcessIdentity maker;    ///< Who is creating it, so that `delete --force` can end that.
  std::string created;            ///< RFC 3339.
  std::uint32_t owner = 0;
  std::string rootfs;
  std::vector<std::pair<std::string, std::string>> annotations;
  runtime::CgroupRecord cgroup;
  runtime::RdtRecord rdt;
  // What later verbs need of config.json, which takes a millisecond to parse where it has a seccomp profile.
  std::string command, cwd;                          ///< Of the process; empty: config.json has none.
  bool has_poststart = false, has_poststop = false;  ///< Hooks.
};

/// Annotations are most of it, and JSON may write one byte of theirs as six. Larger ones are not written either.
inline constexpr std::size_t max_oci_state_bytes = 8 * runtime::max_spec_bytes;

/// A container's folder and what state.json says.
struct OciContainer {
  base::UniqueFd dir;
  OciState state;
};

/// "[A-Za-z0-9_+.-]+", as runc has it. @throws Error invalid_argument.
void check_oci_id(const std::string& id);

/// @throws Error invalid_argument, when it would be larger than what is read.
std::string write_oci_state(const OciState& state);
/// @throws Error corrupt, naming the container.
OciState parse_oci_state(std::string_view text, const std::string& id);

/// @throws Error not_found.
OciContainer find_oci_container(const std::string& root, const std::string& id);
/// All of them, in the order of their ids; one whose state is damaged is a warning and left out.
std::vector<OciContainer> list_oci_containers(const std::string& root);
/// The one named `id`, or with `by_regex` all whose id has a match of that extended regular expression.
/// @throws Error not_found, when there is none.
std::vector<OciContainer> select_oci_containers(const std::string& root, const std::string& id, bool by_regex);

/// "creating", "created", "running", "paused" or "stopped": from the process, the FIFO and the freezer, never from the
/// file.
std::string status_of(const OciContainer& container);
/// Empty when it is gone.
base::UniqueFd open_oci_process(const OciState& state);
struct RunningProcess {
  base::UniqueFd pidfd;
  bool is_paused = false;
};
/// @throws Error in_use "container not running", the words that containerd looks for, unless it is running or paused.
RunningProcess open_running_process(const OciContainer& container);

/// runtime.md "State".
std::string oci_state_json(const OciContainer& container, int indent);
/// What hooks read, without pid and status.
runtime::HookContainer hook_container(const OciState& state);

}  // namespace cmd
