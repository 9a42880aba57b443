#pragma once

#include <string>
#include <vector>

namespace cmd {

/// `engine runtime …` and the link name `engine-runtime`: the OCI command line. `words` begin after the program's name
/// ("runtime" included in neither form). Returns the exit code; an Error may pass through, `run_program` prints it.
int oci_runtime_main(const std::vector<std::string>& words);

}  // namespace cmd
