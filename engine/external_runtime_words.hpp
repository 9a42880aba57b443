#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/process.hpp"
#include "engine/external_runtime.hpp"
#include "rootless/host_facts.hpp"

// What the processes around another OCI runtime have in common.

namespace engine {

inline constexpr std::string_view word_go = "go";
inline constexpr std::string_view word_fuse = "fuse";
inline constexpr std::string_view word_served = "served";
inline constexpr std::string_view word_created = "created";
inline constexpr std::string_view word_start = "start";
inline constexpr std::string_view word_started = "started";

// Descriptors of the helper.
inline constexpr int helper_channel_number = 3;
inline constexpr int helper_start_number = 4;
inline constexpr int helper_report_number = 5;
inline constexpr int helper_preserved_number = 10;

inline constexpr const char* oci_console = "console";

/// The words behind `_inside oci-start`.
struct HelperWords {
  std::string container;           ///< Its id.
  std::uint32_t uid = 0, gid = 0;  ///< Of the container's root, as the helper sees them.
  unsigned preserved = 0;          ///< So many descriptors more than three.
  bool is_root = false;            ///< It makes no user namespace.
  bool terminal = false;
  bool waits = false;         ///< For a later `start`.
  bool keeps_groups = false;  ///< The caller's.
  std::string root_place;     ///< Where the root file system is mounted; empty: in the bundle.
  ExternalRuntime runtime;
};
std::vector<std::string> to_words(const HelperWords& words);
HelperWords parse_helper_words(const std::vector<std::string>& words);

/// Whether this is root that may mount: then the runtime works in the host's user namespace.
bool is_host_root(const rootless::HostFacts& host);

/// Makes an empty directory that everybody can enter, unless it is there; delete_externally removes it.
void make_root_place(const std::string& path);

/// Where the folder behind this descriptor lies.
std::string folder_path(int folder);

/// Orphans among our descendants become our children, so that the process a runtime leaves behind is ours.
void become_subreaper();

/// That process, by the file that the runtime wrote. @param folder  Where `pid` is.
base::Child adopt_process(int folder);

/// One call of a runtime, from where its container's namespaces can be reached.
struct ExternalCall {
  const ExternalRuntime& runtime;
  int folder;                      ///< `oci` of the container.
  std::string work_folder = "";    ///< Below that: where it works and writes its log; empty: there itself.
  std::vector<std::string> words;  ///< From the verb on.
  unsigned preserved = 0;          ///< Descriptors from helper_preserved_number on become 3 and so on.
  mode_t umask = 0022;             ///< runc gives it to what `exec` starts, and to the mount points that it makes.
};
/// With our standard streams. @return its exit status.
int call_runtime(const ExternalCall& call);

/// Which user namespace `_inside oci-call` works in.
enum class CallPlace : char { here = 'h', joined = 'j', mapped = 'm' };
inline constexpr int call_user_namespace_number = 3;
inline constexpr int call_folder_number = 4;
inline constexpr int call_gate_number = 5;  ///< End of file: it may begin.
/// The words behind `_inside oci-call`.
std::vector<std::string> to_words(CallPlace place, const ExternalCall& call);

}  // namespace engine
