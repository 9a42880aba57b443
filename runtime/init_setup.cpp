#include "runtime/init_setup.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/path_in_root.hpp"
#include "runtime/capability_names.hpp"

namespace runtime {

std::vector<DescriptorRange> ranges_between(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  std::vector<DescriptorRange> ranges;
  unsigned next = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(next)) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > next) ranges.push_back({next, number - 1});
    next = number + 1;
  }
  ranges.push_back({next, ~0u});
  return ranges;
}

void close_all_but(std::vector<int> kept) {
  for (const DescriptorRange& range : ranges_between(std::move(kept))) base::close_descriptors(range.first, range.last);
}

void set_usual_umask() {
  ::umask(022);
}

void die_with_parent() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) throw base::os_error("asking to die with the parent");
}

void set_dumpable(bool on) {
  if (::prctl(PR_SET_DUMPABLE, on ? 1 : 0) != 0) throw base::os_error("setting the dumpable flag");
}

void set_oom_score(int score) {
  try {
    base::write_existing(AT_FDCWD, "/proc/self/oom_score_adj", base::concat(score));
  } catch (base::Error& error) {
    error.add_context(base::concat("setting process.oomScoreAdj to ", score));
    if (error.code() != EACCES) throw;
    throw std::move(error).with_hint(
        "only a process with CAP_SYS_RESOURCE can go below its present score: see "
        "/proc/self/oom_score_adj");
  }
}

void link_mtab(int root, const User& owner) {
  const base::UniqueFd folder = base::try_open_in_root(root, "/etc", O_PATH | O_DIRECTORY);
  // What cannot be made (it is there, the tree is read-only or full, /etc is of an id that is not here) stays away: few
  // programs look for it.
  if (folder && ::symlinkat("/proc/mounts", folder.get(), "mtab") == 0) [[maybe_unused]]
    const int ignored = ::fchownat(folder.get(), "mtab", owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW);
}

void make_working_directory(int root, const Process& process) {
  if (base::try_open_in_root(root, process.cwd, O_PATH)) return;
  base::with_context(
      [&] {
        const base::MadeDirectory made = base::make_directories_in_root(root, process.cwd);
        // The process is to work in it, so it is the process's own, as podman has it.
        if (made.made && ::fchownat(made.fd.get(), "", process.user.uid, process.user.gid, AT_EMPTY_PATH) != 0)
          throw base::os_error("giving it to user ", process.user.uid);
      },
      "making the working directory ", base::quoted(process.cwd));
}

void chroot_into(int root) {
  if (::fchdir(root) != 0 || ::chroot(".") != 0 || ::chdir("/") != 0) throw base::os_error("changing the root");
}

std::uint64_t own_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, data) != 0) throw base::os_error("reading our capabilities");
  return std::uint64_t{data[1].permitted} << 32 | data[0].permitted;
}

void leave_out_unobtainable(StageCapabilities& capabilities, std::uint64_t obtainable) {
  const std::uint64_t missing =
      (capabilities.permitted | capabilities.effective | capabilities.inheritable | capabilities.ambient) & ~obtainable;
  std::string names;
  for (unsigned number = 0; number < 64; ++number)
    if ((missing >> number & 1) != 0) names.append(names.empty() ? "" : ", ").append(capability_name(number));
  if (!names.empty()) base::log(base::LogLevel::warn, names, " cannot be granted here and is left out");
  for (std::uint64_t* set :
       {&capabilities.permitted, &capabilities.effective, &capabilities.inheritable, &capabilities.ambient})
    *set &= obtainable;
  // The kernel raises no others. runc's own example asks for some that are not inheritable.
  capabilities.ambient &= capabilities.permitted & capabilities.inheritable;
}

bool wants_label(const Process& process) {
  return !process.apparmor_profile.empty() || !process.selinux_label.empty();
}

namespace {

/// O_PATH, verified to be a procfs.
base::UniqueFd open_host_proc() {
  base::UniqueFd proc{::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  struct statfs status {};
  if (!proc || ::fstatfs(proc.get(), &status) != 0) throw base::os_error("opening \"/proc\"");
  if (status.f_type != PROC_SUPER_MAGIC)
    throw base::make_error(base::ErrorKind::unsupported, "\"/proc\" is no proc file system");
  return proc;
}

/// Without a security module the kernel has the files all the same, and answers EINVAL. An error, as with other
/// runtimes: a process must not run without the confinement that was asked for.
void check_kernel_has_labels(const Process& process, int proc) {
  const base::UniqueFd current{::openat(proc, "self/attr/current", O_RDONLY | O_CLOEXEC)};
  char first = 0;
  if (current && ::read(current.get(), &first, 1) >= 0) return;
  const bool is_apparmor = !process.apparmor_profile.empty();
  throw base::make_error(base::ErrorKind::unsupported, is_apparmor ? "the AppArmor profile " : "the SELinux label ",
                         base::quoted(is_apparmor ? process.apparmor_profile : process.selinux_label),
                         " cannot be set: the kernel runs without ", is_apparmor ? "AppArmor" : "SELinux");
}

}  // namespace

ExecLabel find_exec_label(const Process& process, bool is_ours) {
  base::UniqueFd proc = open_host_proc();
  check_kernel_has_labels(process, proc.get());
  base::UniqueFd attributes{::openat(proc.get(), "self/attr", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!attributes) throw base::os_error("opening \"/proc/self/attr\"");
  ExecLabel label{.folder = {}, .file = "exec", .text = process.selinux_label};
  if (!process.apparmor_profile.empty()) {
    label.text = "exec " + process.apparmor_profile;
    if (::faccessat(attributes.get(), "apparmor/exec", F_OK, 0) == 0) label.file = "apparmor/exec";
  }
  if (!is_ours) label.file.insert(0, "self/attr/");
  label.folder = std::move(is_ours ? attributes : proc);
  return label;
}

}  // namespace runtime
