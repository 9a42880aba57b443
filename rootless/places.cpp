#include "rootless/places.hpp"

#include <cerrno>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {
namespace {

std::string absolute_or(const char* variable, std::string fallback) {
  std::optional<std::string> value = environment(variable);
  return value && value->starts_with('/') ? std::move(*value) : std::move(fallback);
}

std::string make_temporary_run_dir(std::uint32_t uid) {
  std::string path = base::concat("/tmp/engine-run-", uid);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw base::os_error("making ", base::quoted(path));
  if (!is_own_directory(path, uid, true)) {
    throw base::Error{base::ErrorKind::permission,
                      base::concat(base::quoted(path), " is not a directory of ours with mode 0700"),
                      "set XDG_RUNTIME_DIR to a private directory of yours"};
  }
  return path;
}

std::string find_run_dir(std::uint32_t uid) {
  if (std::string path = absolute_or("XDG_RUNTIME_DIR", ""); !path.empty() && is_own_directory(path, uid, true)) {
    return path;
  }
  if (std::string path = base::concat("/run/user/", uid); is_own_directory(path, uid, true)) return path;
  return make_temporary_run_dir(uid);
}

// Root of a user namespace made by hand (unshare -r) sees a system that is not its own: it lives as the user it was.
bool owns_the_system() {
  return is_own_directory("/run", 0, false) && ::access("/run", W_OK) == 0 && is_own_directory("/var/lib", 0, false) &&
         ::access("/var/lib", W_OK) == 0;
}

}  // namespace

bool has_secure_environment() noexcept {
  return ::getauxval(AT_SECURE) == 0 && ::getuid() == ::geteuid() && ::getgid() == ::getegid();
}

bool is_own_directory(const std::string& path, std::uint32_t uid, bool exactly_private) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != uid) return false;
  return exactly_private ? (facts.st_mode & 0777) == 0700 : (facts.st_mode & 0022) == 0;
}

Places find_places(std::uint32_t uid, const std::string& home) {
  if (uid == 0 && owns_the_system()) {
    return {.data = "/var/lib",
            .config = absolute_or("XDG_CONFIG_HOME", home + "/.config"),
            .cache = "/var/cache",
            .run = "/run"};
  }
  return {.data = absolute_or("XDG_DATA_HOME", home + "/.local/share"),
          .config = absolute_or("XDG_CONFIG_HOME", home + "/.config"),
          .cache = absolute_or("XDG_CACHE_HOME", home + "/.cache"),
          .run = find_run_dir(uid)};
}

}  // namespace rootless
