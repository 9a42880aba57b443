#pragma once

#include <string_view>

namespace cmd {

extern const std::string_view secret_shapes;  ///< entities.SecretInfoReport, secrets.secretListReport

}  // namespace cmd
