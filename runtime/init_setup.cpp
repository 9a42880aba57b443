#include "runtime/init_setup.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"

namespace runtime {

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(next)) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > next && ::close_range(next, number - 1, 0) != 0) throw base::os_error("closing descriptors");
    next = number + 1;
  }
  if (::close_range(next, ~0u, 0) != 0) throw base::os_error("closing descriptors");
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
  base::with_context([&] { base::write_existing(AT_FDCWD, "/proc/self/oom_score_adj", base::concat(score)); },
                     "setting oomScoreAdj to ", score);
}

void give_pipes_to(std::uint32_t uid, const std::vector<int>& streams) {
  if (uid == 0) return;
  for (const int fd : streams) {
    struct statfs status {};
    if (::fstatfs(fd, &status) != 0 || status.f_type != PIPEFS_MAGIC) continue;
    // Where the ids are not mapped the owner stays, which only costs /dev/stdout.
    if (::fchown(fd, uid, static_cast<gid_t>(-1)) != 0)
      base::log(base::LogLevel::debug, "a standard stream keeps its owner: errno ", errno);
  }
}

ExecLabel open_exec_label(const Process& process) {
  if (process.apparmor_profile.empty() && process.selinux_label.empty()) return {};
  ExecLabel label;
  if (!process.apparmor_profile.empty()) {
    label.text = "exec " + process.apparmor_profile;
    label.fd = base::UniqueFd{::open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC)};
  } else {
    label.text = process.selinux_label;
  }
  if (!label.fd) label.fd = base::UniqueFd{::open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC)};
  if (!label.fd) throw base::os_error("opening \"/proc/self/attr/exec\" for the label ", base::quoted(label.text));
  return label;
}

}  // namespace runtime
