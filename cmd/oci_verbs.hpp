#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/oci_words.hpp"
#include "runtime/cgroup.hpp"

namespace cmd {

/// Options before the verb, settled.
struct OciGlobals {
  std::string root;  ///< --root: where the state folders are.
  runtime::CgroupManager manager = runtime::CgroupManager::cgroupfs;
  bool is_rootless = false;  ///< What cgroups refuse is no error.
};

/// One verb of the OCI command line: its options, and what it does with the words that follow. Returns the exit code.
struct OciVerb {
  std::string_view name;
  std::string_view operands;  ///< "ID [SIGNAL]"
  std::string_view summary;
  std::span<const OciOption> options;
  std::span<const OciOption> more_options;
  unsigned at_least = 1, at_most = 1;  ///< Words.
  bool stop_at_word = false;
  int failure = 1;  ///< Exit code of an error.
  int (*run)(const OciGlobals&, const OciWords&);
};

inline constexpr unsigned any_number = ~0U;

/// All verbs, in the order of their names.
std::span<const OciVerb> oci_verbs();
/// The options before the verb.
std::span<const OciOption> oci_global_options();
/// All options of a verb, --help included.
std::vector<OciOption> options_of(const OciVerb& verb);

int oci_checkpoint(const OciGlobals& globals, const OciWords& words);
int oci_create(const OciGlobals& globals, const OciWords& words);
int oci_delete(const OciGlobals& globals, const OciWords& words);
int oci_events(const OciGlobals& globals, const OciWords& words);
int oci_exec(const OciGlobals& globals, const OciWords& words);
int oci_features(const OciGlobals& globals, const OciWords& words);
int oci_kill(const OciGlobals& globals, const OciWords& words);
int oci_list(const OciGlobals& globals, const OciWords& words);
int oci_pause(const OciGlobals& globals, const OciWords& words);
int oci_ps(const OciGlobals& globals, const OciWords& words);
int oci_restore(const OciGlobals& globals, const OciWords& words);
int oci_resume(const OciGlobals& globals, const OciWords& words);
int oci_run(const OciGlobals& globals, const OciWords& words);
int oci_spec(const OciGlobals& globals, const OciWords& words);
int oci_start(const OciGlobals& globals, const OciWords& words);
int oci_state(const OciGlobals& globals, const OciWords& words);
int oci_update(const OciGlobals& globals, const OciWords& words);

}  // namespace cmd
