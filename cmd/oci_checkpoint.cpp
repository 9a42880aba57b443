#include <climits>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_bundle.hpp"
#include "cmd/oci_criu.hpp"
#include "cmd/oci_destroy.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_fdinfo_bytes = 64 * 1024;

/// One line of /proc/PID/mountinfo. Source: proc(5).
struct MountLine {
  std::string device;  ///< "0:22"
  std::string target;
  std::string type;
};

std::vector<MountLine> read_mounts(const std::string& process) {
  const std::string text = base::read_file(AT_FDCWD, concat("/proc/", process, "/mountinfo"), max_mountinfo_bytes);
  std::vector<MountLine> mounts;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::size_t middle = line.find(" - ");
    const auto fields = base::split(line.substr(0, middle), ' ');
    if (middle == std::string_view::npos || fields.size() < 6) continue;
    mounts.push_back({.device = std::string{fields[2]},
                      .target = std::string{fields[4]},
                      .type = std::string{base::split(line.substr(middle + 3), ' ').front()}});
  }
  return mounts;
}

/// Where the container sees a file system of the host: volumes, device nodes, masks.
std::vector<std::string> host_mounts(pid_t pid) {
  std::set<std::string> ours;
  for (const MountLine& mount : read_mounts("self")) ours.insert(mount.device);
  std::vector<std::string> targets;
  for (const MountLine& mount : read_mounts(concat(pid)))
    if (mount.target != "/" && ours.contains(mount.device) && !mount.type.starts_with("cgroup"))
      targets.push_back(mount.target);
  return targets;
}

std::string link_of(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length < 0) throw base::os_error("reading the link ", base::quoted(path));
  return {target, static_cast<std::size_t>(length)};
}

std::string mount_id_of(const std::string& fdinfo_path) {
  const std::string text = base::read_file(AT_FDCWD, fdinfo_path, max_fdinfo_bytes);
  for (const std::string_view line : base::split(text, '\n'))
    if (line.starts_with("mnt_id:")) return std::string{base::trim(line.substr(7))};
  throw make_error(ErrorKind::unsupported, base::quoted(fdinfo_path), " has no mnt_id");
}

std::string hex(std::uint64_t number) {
  char digits[17];
  const int length = std::snprintf(digits, sizeof digits, "%llx", static_cast<unsigned long long>(number));
  return {digits, static_cast<std::size_t>(length)};
}

/// criu's name of one of the first three descriptors, by which restore puts another in its place.
std::string descriptor_name(pid_t pid, int number) {
  const std::string path = concat("/proc/", pid, "/fd/", number);
  const std::string target = link_of(path);
  if (target.starts_with("pipe:") || target.starts_with("socket:")) return target;
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) throw base::os_error("examining ", base::quoted(path));
  const auto mount = base::parse_unsigned(mount_id_of(concat("/proc/", pid, "/fdinfo/", number)));
  return concat("file[", hex(mount.value_or(0)), ':', hex(file.st_ino), ']');
}

CriuLinks find_links(pid_t pid) {
  CriuLinks links{.descriptors = {}, .mounts = host_mounts(pid)};
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    links.descriptors.push_back(descriptor_name(pid, number));
  return links;
}

CriuCall make_call(const OciContainer& container, const OciWords& words, const CriuLinks& links) {
  CriuCall call{.verb = words.has("pre-dump") ? "pre-dump" : "dump", .words = {}, .fds = {}};
  std::vector<std::string>& argv = call.words;
  argv.insert(argv.end(), {"--tree", concat(container.state.process.pid), "--root", container.state.rootfs});
  if (words.has("leave-running")) argv.emplace_back("--leave-running");
  if (words.has("pre-dump")) argv.emplace_back("--track-mem");
  if (const auto parent = words.value("parent-path"))
    argv.insert(argv.end(), {"--track-mem", "--prev-images-dir", *parent});
  for (const std::string& target : links.mounts)
    argv.insert(argv.end(), {"--external", concat("mnt[", target, "]:", target)});
  for (const std::string& name : links.descriptors)
    if (name.starts_with("file[")) argv.insert(argv.end(), {"--external", name});
  return call;
}

}  // namespace

int oci_checkpoint(const OciGlobals& globals, const OciWords& words) {
  LockedContainer locked = lock_oci_container(globals.root, words.words.front());
  const OciContainer& container = locked.container;
  const base::UniqueFd process = open_running_process(container).pidfd;
  if (read_oci_spec(container).process.terminal && !words.has("shell-job"))
    throw make_error(ErrorKind::unsupported, "container ", base::quoted(container.state.id),
                     " has a terminal, which a checkpoint cannot keep")
        .with_hint("--shell-job leaves out a terminal that is the caller's");
  const CriuFolders folders = criu_folders(words);
  const CriuLinks links = find_links(container.state.process.pid);
  write_criu_links(folders, links);
  run_criu(make_call(container, words, links), words, folders);
  // As runc: what was written to files is no container any more.
  if (!words.has("leave-running") && !words.has("pre-dump")) destroy_oci_container(globals.root, std::move(locked));
  return 0;
}

}  // namespace cmd
