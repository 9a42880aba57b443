#pragma once

#include <string>
#include <vector>

#include "cmd/oci_words.hpp"

namespace cmd {

/// Options before the verb.
struct OciGlobals {
  std::string root;  ///< --root: where the state folders are.
};

/// One verb of the OCI command line: its options, and what it does with the words that follow. Returns the exit code.
struct OciVerb {
  std::string_view name;
  std::string_view usage;
  std::vector<OciOption> options;
  bool stop_at_word = false;
  int (*run)(const OciGlobals&, const OciWords&);
};

int oci_create(const OciGlobals& globals, const OciWords& words);
int oci_run(const OciGlobals& globals, const OciWords& words);
int oci_start(const OciGlobals& globals, const OciWords& words);
int oci_exec(const OciGlobals& globals, const OciWords& words);
int oci_state(const OciGlobals& globals, const OciWords& words);
int oci_kill(const OciGlobals& globals, const OciWords& words);
int oci_delete(const OciGlobals& globals, const OciWords& words);
int oci_list(const OciGlobals& globals, const OciWords& words);
int oci_spec(const OciGlobals& globals, const OciWords& words);
int oci_features(const OciGlobals& globals, const OciWords& words);

/// The only word of a command. @throws Error invalid_argument when there is none or more.
const std::string& only_id(const OciWords& words);

}  // namespace cmd
