#include <algorithm>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "cmd/oci_create.hpp"
#include "cmd/oci_criu.hpp"
#include "cmd/oci_processes.hpp"
#include "cmd/oci_run.hpp"
#include "engine/attach.hpp"
#include "runtime/namespaces.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr int first_passed_fd = 10;  ///< criu's numbers of the container's descriptors 0, 1, 2.
constexpr const char* pid_name = "criu.pid";
constexpr std::size_t max_pid_bytes = 32;

/// Where the host's side of a mount is now: what config.json says, /dev/null under a mask, else the same path
/// (devices).
std::string source_of(const std::string& target, const runtime::Spec& spec) {
  for (const runtime::Mount& mount : spec.mounts)
    if (mount.destination == target) return mount.source;
  const auto& masked = spec.linux.masked_paths;
  return std::find(masked.begin(), masked.end(), target) == masked.end() ? target : "/dev/null";
}

/// criu wants a mount point as root: one in a mount namespace that only we and criu are in.
class MountedRoot {
 public:
  MountedRoot(const OciCreation& creation, const std::string& folder) : path_(concat(folder, "/root")) {
    runtime::create_namespaces(CLONE_NEWNS);
    runtime::separate_mounts(true);
    base::make_directory(creation.dir(), "root");
    base::mount_path(creation.rootfs(), path_, "", MS_BIND | MS_REC, "");
  }
  MountedRoot(const MountedRoot&) = delete;
  MountedRoot& operator=(const MountedRoot&) = delete;
  ~MountedRoot() {
    try {
      base::unmount(path_, MNT_DETACH);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, error.message());
    }
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

CriuCall make_call(const OciCreation& creation, const CriuLinks& links, const engine::ChildStreams& streams,
                   const std::string& folder, const MountedRoot& root) {
  CriuCall call{.verb = "restore", .words = {}, .fds = {}};
  std::vector<std::string>& argv = call.words;
  argv.insert(argv.end(), {"--root", root.path(), "--restore-detached", "--restore-sibling"});
  argv.insert(argv.end(), {"--pidfile", concat(folder, '/', pid_name)});
  for (const std::string& target : links.mounts)
    argv.insert(argv.end(), {"--external", concat("mnt[", target, "]:", source_of(target, creation.spec()))});
  const int ours[] = {streams.in, streams.out, streams.err};
  for (int number = 0; number < 3 && number < static_cast<int>(links.descriptors.size()); ++number) {
    const int passed = first_passed_fd + number;
    call.fds.emplace_back(ours[number], passed);
    argv.insert(argv.end(),
                {"--inherit-fd", concat("fd[", passed, "]:", links.descriptors[static_cast<std::size_t>(number)])});
  }
  return call;
}

/// criu's child and thus, by --restore-sibling, ours.
base::Child restored_process(int dir) {
  const auto pid = base::parse_unsigned(base::trim(base::read_file(dir, pid_name, max_pid_bytes)));
  if (!pid) throw make_error(ErrorKind::internal, "criu wrote no pid");
  base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(*pid), 0))};
  if (!pidfd) throw base::os_error("opening the restored process ", *pid);
  base::unlink_file(dir, pid_name);
  return base::Child{static_cast<pid_t>(*pid), std::move(pidfd)};
}

}  // namespace

int oci_restore(const OciGlobals& globals, const OciWords& words) {
  if (words.has("console-socket"))
    throw make_error(ErrorKind::unsupported, "a restored container gets no terminal of its own, so --console-socket ",
                     "is not supported")
        .with_hint("with --shell-job it gets that of the caller");
  const CriuFolders folders = criu_folders(words);
  const CriuLinks links = read_criu_links(folders);
  OciCreation creation{globals, words, read_oci_bundle(words)};
  const std::string& id = words.words.front();
  const std::string folder = concat(globals.root, '/', id);
  engine::ChildStreams streams = engine::make_child_streams(true);
  base::SignalFd signals{engine::forwarded_signals()};
  creation.make_cgroup();
  {
    const MountedRoot root{creation, folder};
    run_criu(make_call(creation, links, streams, folder, root), words, folders);
  }
  streams.kept.clear();
  runtime::CreatedInit init;
  init.process = restored_process(creation.dir());
  creation.adopt(init.process.pid());
  creation.publish(words, init.process.pid());
  if (words.has("detach")) {
    static_cast<void>(init.process.detach());
    return 0;
  }
  const pid_t pid = init.process.pid();
  const int code = relay_oci_process(init, std::move(streams.relay), signals);
  if (!words.has("keep")) delete_ended(globals, id, pid);
  return code;
}

}  // namespace cmd
