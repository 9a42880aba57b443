#pragma once

#include <string>

namespace cmd {

struct RepositoryAndTag {
  std::string repository, tag;
};
/// "docker.io/library/busybox" and "latest"; "<none>" for what is missing.
RepositoryAndTag split_image_name(const std::string& name);

}  // namespace cmd
