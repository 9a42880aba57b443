#pragma once

#include <string>

#include "storage/containers.hpp"

namespace engine {

/// --log-opt tag=: a template of .ID, .Name, .ImageID and .ImageName. @throws Error invalid_argument.
std::string log_tag(const std::string& tag, const storage::ContainerRecord& record);

}  // namespace engine
