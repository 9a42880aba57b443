#pragma once

#include <string>
#include <vector>

namespace cmd {

/// The command line of engine-system-generator and engine-user-generator: systemd's, which names folders, and that of
/// podman's generator, for people. @param argv  With the name that it was called by.
int generator_main(const std::vector<std::string>& argv);

/// Whether a program of this name is one of the two.
bool is_generator(std::string_view name);

}  // namespace cmd
