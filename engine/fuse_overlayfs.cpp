#include "engine/fuse_overlayfs.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/namespaces.hpp"

namespace engine {

using base::concat;

namespace {

// Numbers in the child; the lowers, upper and work directory follow.
constexpr int user_namespace_number = 3;
constexpr int fuse_number = 4;
constexpr int first_directory_number = 5;

std::string fd_path(int number) {
  return concat("/proc/self/fd/", number);
}

base::UniqueFd open_null() {
  base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw base::os_error("opening \"/dev/null\"");
  return null;
}

/// Without descriptor 3, which the verb needs for itself.
base::Command server_command(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd, int null,
                             const char* verb) {
  base::Command command{.path = own_program("engine")};
  command.fds.emplace_back(fuse_fd, fuse_number);
  // Its remarks on mount options are not for the user; what goes wrong shows as an I/O error of the mount.
  command.fds.emplace_back(null, STDOUT_FILENO);
  command.fds.emplace_back(null, STDERR_FILENO);
  int number = first_directory_number;
  std::string lowers;
  for (const base::UniqueFd& lower : rootfs.lowers) {
    command.fds.emplace_back(lower.get(), number);
    lowers += concat(lowers.empty() ? "" : ":", fd_path(number++));
  }
  std::string options = concat("lowerdir=", lowers);
  if (rootfs.upper && !rootfs.served_lowers) {
    command.fds.emplace_back(rootfs.upper.get(), number);
    options += concat(",upperdir=", fd_path(number++));
    command.fds.emplace_back(rootfs.work.get(), number);
    options += concat(",workdir=", fd_path(number++));
  }
  command.argv = {"engine", "_inside", verb,    engine.host.fuse_overlayfs,
                  "-f",     "-o",      options, concat("/dev/fd/", fuse_number)};
  command.null_stdin = true;
  command.new_session = true;
  return command;
}

[[noreturn]] void execute(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (words.empty()) throw base::make_error(base::ErrorKind::internal, "no program for the fuse-overlayfs server");
  ::execv(argv[0], argv.data());
  throw base::os_error("executing ", base::quoted(words[0]));
}

}  // namespace

base::Child serve_fuse_overlayfs(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd, pid_t init_pid) {
  const base::UniqueFd user_namespace{::open(concat("/proc/", init_pid, "/ns/user").c_str(), O_RDONLY | O_CLOEXEC)};
  if (!user_namespace) throw base::os_error("opening the user namespace of the container");
  const base::UniqueFd null = open_null();
  base::Command command = server_command(engine, rootfs, fuse_fd, null.get(), "fuse-overlayfs");
  command.fds.emplace_back(user_namespace.get(), user_namespace_number);
  return base::spawn(command);
}

base::Child serve_fuse_overlayfs_here(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd) {
  const base::UniqueFd null = open_null();
  base::Command command = server_command(engine, rootfs, fuse_fd, null.get(), "");
  command.argv.erase(command.argv.begin(), command.argv.begin() + 3);  // ours, which would join a namespace first
  command.path = engine.host.fuse_overlayfs;
  command.die_with_parent = true;
  return base::spawn(command);
}

base::Child serve_fuse_overlayfs_beside(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd) {
  const base::UniqueFd null = open_null();
  return base::spawn(server_command(engine, rootfs, fuse_fd, null.get(), "fuse-beside"));
}

base::Child serve_lowers(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd) {
  const base::UniqueFd null = open_null();
  base::Command command = server_command(engine, rootfs, fuse_fd, null.get(), "fuse-lowers");
  return rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host).process;
}

int run_fuse_overlayfs(const std::vector<std::string>& words) {
  rootless::join_user_namespace(user_namespace_number);
  execute(words);
}

int run_fuse_beside(const std::vector<std::string>& words) {
  // Before the mount is attached in the namespace that we came from: a copy of it here would keep it, and so us.
  runtime::create_namespaces(CLONE_NEWNS);
  runtime::separate_mounts(false);
  execute(words);
}

int run_fuse_lowers(const std::vector<std::string>& words) {
  rootless::enter_mapped_namespace(false).close();
  execute(words);
}

}  // namespace engine
