#include "engine/init_program.hpp"

#include <climits>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace engine {

namespace {

constexpr const char* place = "/run/podman-init";

}  // namespace

std::string find_init_path(const std::string& path) {
  char resolved[PATH_MAX];
  struct stat status {};
  if (::realpath(path.c_str(), resolved) == nullptr || ::stat(resolved, &status) != 0)
    throw base::os_error("--init-path ", base::quoted(path));
  if (!S_ISREG(status.st_mode) || ::access(resolved, X_OK) != 0)
    throw base::make_error(base::ErrorKind::invalid_argument, "--init-path ", base::quoted(path),
                           " is not a program that can be executed");
  return resolved;
}

void add_init_program(runtime::Spec& spec, const std::string& program) {
  spec.mounts.push_back({place, "bind", program, {"bind", "rprivate", "ro", "nosuid", "nodev"}});
  spec.process.args.insert(spec.process.args.begin(), {place, "--"});
}

bool has_init_program(const runtime::Spec& spec) {
  return !spec.process.args.empty() && spec.process.args.front() == place;
}

}  // namespace engine
