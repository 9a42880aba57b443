#include <chrono>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "engine/driver.hpp"
#include "engine/error_bytes.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/kernel.hpp"
#include "runtime/rootfs.hpp"
#include "storage/overlay.hpp"

namespace engine {
namespace {

constexpr std::chrono::milliseconds fuse_limit{10'000};

base::UniqueFd open_path_only(int at, const std::string& path) {
  base::UniqueFd fd{::openat(at, path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

void make_file(int at, const std::string& path) {
  const base::UniqueFd fd{::openat(at, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd) throw base::os_error("making ", base::quoted(path));
  base::write_all(fd.get(), "x");
}

void make_lower(int folder) {
  const base::UniqueFd lower = base::make_directory(folder, "lower");
  const base::UniqueFd below = base::make_directory(lower.get(), "directory");
  make_file(below.get(), "file");
  make_file(lower.get(), "file");
  base::make_directory(folder, "upper");
  base::make_directory(folder, "work");
  base::make_directory(folder, "merged");
}

base::UniqueFd mount_overlay(int folder, const char* lower) {
  // Volatile, since unmounting would flush the whole file system otherwise.
  runtime::RootfsSource source{.driver = base::RootfsDriver::overlay, .volatile_upper = true};
  source.lowers.push_back(open_path_only(folder, lower));
  source.upper = open_path_only(folder, "upper");
  source.work = open_path_only(folder, "work");
  return runtime::mount_rootfs(source, runtime::running_kernel_features(), {});
}

/// It leaves a server behind, which ends with the mount, and that with our mount namespace.
base::UniqueFd mount_fuse_overlayfs(int folder, const std::string& path, const std::string& program, bool is_writable) {
  base::Command command;
  command.path = program;
  std::string options = base::concat("lowerdir=", path, "/lower");
  if (is_writable) options += base::concat(",upperdir=", path, "/upper,workdir=", path, "/work");
  command.argv = {"fuse-overlayfs", "-o", options, path + "/merged"};
  command.null_stdin = true;
  const base::Output output = base::run_and_capture(command, fuse_limit);
  if (output.status.code != 0) {
    throw base::make_error(base::ErrorKind::unsupported, "fuse-overlayfs: ", base::trim(output.err));
  }
  return base::open_directory(folder, "merged");
}

/// What fails on file systems that only seem to work: whiteouts, opaque directories, copying up.
void use_root(int root) {
  base::with_context([&] { base::unlink_file(root, "file"); }, "removing a file of a lower layer");
  base::with_context([&] { base::unlink_file(root, "directory/file"); }, "removing a file of a lower directory");
  if (::unlinkat(root, "directory", AT_REMOVEDIR) != 0) throw base::os_error("removing a directory of a lower layer");
  base::with_context(
      [&] {
        const base::UniqueFd again = base::make_directory(root, "directory");
        if (!base::list_directory(again.get(), ".").empty()) {
          throw base::make_error(base::ErrorKind::unsupported, "it still shows the files of the lower layer");
        }
        make_file(again.get(), "new");
      },
      "making a removed directory again");
}

void probe(const std::vector<std::string>& words) {
  const base::UniqueFd folder = base::open_directory(AT_FDCWD, words.at(2));
  make_lower(folder.get());
  const bool is_served = words.at(1) == served_overlay;
  if (!is_served && storage::parse_driver(words.at(1)) == base::RootfsDriver::overlay) {
    use_root(mount_overlay(folder.get(), "lower").get());
    return;
  }
  const base::UniqueFd merged = mount_fuse_overlayfs(folder.get(), words.at(2), words.at(3), !is_served);
  use_root(is_served ? mount_overlay(folder.get(), "merged").get() : merged.get());
  base::unmount(words.at(2) + "/merged", MNT_DETACH);
}

}  // namespace

int probe_inside(const std::vector<std::string>& words) {
  const base::Channel channel = rootless::enter_mapped_namespace(true);
  try {
    probe(words);
    channel.send("+");
  } catch (const base::Error& error) {
    channel.send(encode_error(error));
  }
  return 0;
}

}  // namespace engine
