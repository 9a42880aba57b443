#include "cmd/secret/shapes.hpp"

namespace cmd {

const std::string_view secret_shapes = R"(entities.SecretDriverSpec
  Name string
  Options map[string]string
entities.SecretSpec
  Name string
  Driver entities.SecretDriverSpec
  Labels map[string]string
entities.SecretInfoReport
  ID string
  CreatedAt time.Time
  UpdatedAt time.Time
  Spec entities.SecretSpec
  SecretData string SecretData,omitempty
entities.SecretListReport
  ID string
  Name string
  Driver string
  CreatedAt string
  UpdatedAt string
)";

}  // namespace cmd
