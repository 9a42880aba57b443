#pragma once

#include <optional>
#include <string>

#include "cmd/option_table.hpp"

namespace cmd {

/// --platform, or its three parts.
struct PlatformWords {
  std::string platform, arch, os, variant;
};

/// Which entry of a multi-platform image; shared by run, create and pull.
void declare_platform_options(OptionTable& table, PlatformWords& words);

/// The words as one "os/arch[/variant]"; empty when none was given.
/// @throws Error invalid_argument, when --platform meets one of the others.
std::string joined_platform(const PlatformWords& words);

/// How to talk to a registry; shared by run, create and pull.
void declare_registry_options(OptionTable& table, std::optional<bool>& tls_verify, std::string& auth_file,
                              std::string& creds, std::string& cert_dir);

}  // namespace cmd
