#include "engine/unpack_sandbox.hpp"

#include <cstdint>
#include <fcntl.h>
#include <linux/landlock.h>
#include <optional>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace engine {
namespace {

// The header of Debian 12 ends with ABI 2; the kernel takes longer structures when what it does not know is 0.
struct RulesetAttributes {
  std::uint64_t filesystem;
  std::uint64_t network;
  std::uint64_t scoped;
};

constexpr std::uint64_t rights_of_abi_2 = (1ULL << 14) - 1, rights_of_abi_3 = (1ULL << 15) - 1,
                        rights_of_abi_5 = (1ULL << 16) - 1;
constexpr std::uint64_t network_bind_and_connect = 3;          // ABI 4
constexpr std::uint64_t scope_abstract_socket_and_signal = 3;  // ABI 6

std::uint64_t filesystem_rights(long abi) {
  if (abi >= 5) return rights_of_abi_5;
  return abi >= 3 ? rights_of_abi_3 : rights_of_abi_2;
}

void allow_below(int ruleset, int dir, std::uint64_t rights) {
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = dir;
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    throw base::os_error("adding a Landlock rule");
}

struct Sandbox {
  base::UniqueFd ruleset;
  std::uint64_t filesystem_rights;
};

/// Gives up new privileges; the rules are to be added. Nothing where the kernel has no Landlock that is any good.
std::optional<Sandbox> make_sandbox() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw base::os_error("giving up new privileges");
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 2) return std::nullopt;
  const RulesetAttributes attributes{filesystem_rights(abi), abi >= 4 ? network_bind_and_connect : 0,
                                     abi >= 6 ? scope_abstract_socket_and_signal : 0};
  base::UniqueFd ruleset{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
  if (!ruleset) throw base::os_error("making a Landlock ruleset");
  return Sandbox{std::move(ruleset), attributes.filesystem};
}

void enter(const Sandbox& sandbox) {
  if (::syscall(SYS_landlock_restrict_self, sandbox.ruleset.get(), 0) != 0) throw base::os_error("entering Landlock");
}

}  // namespace

void enter_unpack_sandbox(int parent_dir, const std::string& name, const std::vector<int>& layers_dirs,
                          const std::vector<std::string>& lowers) {
  const auto sandbox = make_sandbox();
  if (!sandbox) return;
  const base::UniqueFd dir{::openat(parent_dir, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!dir) throw base::os_error("opening the staging folder");
  allow_below(sandbox->ruleset.get(), dir.get(), sandbox->filesystem_rights);
  for (const std::string& lower : lowers) {
    bool is_there = false;
    for (const int layers : layers_dirs) {
      const base::UniqueFd layer{::openat(layers, lower.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
      if (!layer) continue;
      allow_below(sandbox->ruleset.get(), layer.get(), LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
      is_there = true;
    }
    if (!is_there) throw base::os_error("opening a layer below");
  }
  // For the last step of removing the staging folder itself.
  allow_below(sandbox->ruleset.get(), parent_dir, LANDLOCK_ACCESS_FS_REMOVE_DIR);
  enter(*sandbox);
}

void enter_volume_sandbox(int volume) {
  const auto sandbox = make_sandbox();
  if (!sandbox) return;
  allow_below(sandbox->ruleset.get(), volume, sandbox->filesystem_rights);
  enter(*sandbox);
}

}  // namespace engine
