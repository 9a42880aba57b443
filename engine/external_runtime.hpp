#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "engine/config.hpp"
#include "storage/containers.hpp"

// A container whose OCI runtime is another program (crun, runc, runsc) has a folder `oci` beside its record: the bundle
// that this program is given, its state, its log. The program works in a user and mount namespace of ours, in which the
// root file system is mounted (engine/external_runtime_start.hpp); the container's first process becomes the keeper's
// child, so that everything after the start is as with the built-in runtime.

namespace engine {

/// An OCI runtime that is not ours.
struct ExternalRuntime {
  std::string name;  ///< As the user said it: "crun", or a path.
  std::string path;
  std::vector<std::string> flags;  ///< Its global options.
};

/// The runtime of a new container, for its record: empty for the built-in one, else a name or an absolute path.
/// @throws Error invalid_argument, when there is no such program.
std::string runtime_of_new(const Config& config);

/// @throws Error invalid_argument, when there is no such program.
ExternalRuntime find_external_runtime(const Config& config, const std::string& name,
                                      const std::vector<std::string>& flags);
ExternalRuntime external_runtime_of(const Config& config, const storage::ContainerRecord& record);

/// "crun", wherever it lies.
std::string program_name(const std::string& path);
/// Whether this program starts only containers with a user 0.
bool needs_root_inside(const std::string& program);

/// What it says of itself: the first line of `--version`; empty when it says nothing.
std::string version_of(const ExternalRuntime& runtime);

// Names in the container's folder.
inline constexpr const char* oci_folder = "oci";
inline constexpr const char* oci_init = "init";
inline constexpr const char* oci_log = "log";
inline constexpr const char* oci_pid = "pid";
inline constexpr const char* oci_root = "rootfs";
inline constexpr const char* oci_state = "state";
inline constexpr const char* oci_verdict = "verdict";  ///< How the start of an initialized container went.

/// Makes the folder `oci` anew, with nothing in it but the places for its state and its root file system.
base::UniqueFd make_oci_folder(const storage::ContainerDir& container);
base::UniqueFd open_oci_folder(const storage::ContainerDir& container);

/// The words of a call up to its verb. @param state, log  Absolute paths.
std::vector<std::string> external_call(const ExternalRuntime& runtime, const std::string& state,
                                       const std::string& log);

/// What the environment of a call is: ours without what is meant for us alone.
std::vector<std::string> external_environment();

/// What its log gives as the reason of a failure, as the error that podman would make of it: 127 for a command that is
/// not there, else 126. @param folder  Where the log is.
base::Error external_error(const ExternalRuntime& runtime, int folder, const std::string& verb, int status);

}  // namespace engine
