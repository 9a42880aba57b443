#pragma once

#include <string>

#include "cmd/oci_verbs.hpp"

namespace cmd {

/// `engine runtime --help`
std::string oci_overview();
/// `engine runtime VERB --help`
std::string oci_verb_help(const OciVerb& verb);

}  // namespace cmd
