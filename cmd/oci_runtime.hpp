#pragma once

#include <string>
#include <vector>

namespace cmd {

/// `engine runtime …` and the link name `engine-runtime`: the OCI command line. `words` begin after the program's name
/// ("runtime" included in neither form). Returns the exit code, after it has told about an Error: 1, or 255 where exec
/// could not execute the process.
int oci_runtime_main(const std::vector<std::string>& words);

/// Its options and commands as JSON, for `engine describe`.
std::string oci_description();

}  // namespace cmd
