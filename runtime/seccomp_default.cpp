#include <array>
#include <cerrno>
#include <linux/capability.h>
#include <linux/seccomp.h>

#include "base/text.hpp"
#include "runtime/seccomp_rules.hpp"

// The default profile. Facts of docker's and podman's: what is not named answers ENOSYS, so that programs fall back;
// what exists but is not for containers, or would need a capability that the container has not got, answers EPERM.
// Unlike podman 4's, making namespaces, mounting and kernel keyrings need CAP_SYS_ADMIN, as with docker. Unlike both,
// TIOCSTI, TIOCLINUX and AF_VSOCK are refused by the 32 bits that the kernel looks at (CVE-2019-10063).

namespace runtime {
namespace {

constexpr std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t not_there = SECCOMP_RET_ERRNO | ENOSYS;

// Values of the kernel's interface.
constexpr std::uint32_t tiocsti = 0x5412, tioclinux = 0x541C;
constexpr std::uint32_t family_netlink = 16, family_vsock = 40;
constexpr std::uint64_t netlink_audit = 9;
constexpr std::uint64_t clone_namespace_flags = 0x7E020000;  // CLONE_NEWNS … CLONE_NEWNET, without CLONE_NEWTIME

/// Names for every container, by topic.
constexpr std::array<std::string_view, 14> allowed = {
    // Opening, reading, writing.
    "open openat openat2 creat close close_range read pread64 readv preadv preadv2 write pwrite64 writev pwritev "
    "pwritev2 "
    "lseek _llseek dup dup2 dup3 pipe pipe2 fcntl fcntl64 flock sendfile sendfile64 splice tee copy_file_range "
    "readahead "
    "sync syncfs fsync fdatasync sync_file_range fallocate truncate truncate64 ftruncate ftruncate64 fadvise64 "
    "fadvise64_64",
    // Names and attributes of files.
    "stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64 access "
    "faccessat faccessat2 readlink readlinkat getdents getdents64 readdir getcwd chdir fchdir mkdir mkdirat rmdir link "
    "linkat symlink symlinkat unlink unlinkat rename renameat renameat2 mknod mknodat name_to_handle_at umask",
    "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime utimes futimesat "
    "utimensat utimensat_time64 getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr "
    "flistxattr "
    "removexattr lremovexattr fremovexattr getxattrat setxattrat listxattrat removexattrat inotify_init inotify_init1 "
    "inotify_add_watch inotify_rm_watch fanotify_mark statmount listmount",
    // Waiting for descriptors.
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old "
    "epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 io_setup io_destroy io_submit io_cancel "
    "io_getevents io_pgetevents io_pgetevents_time64",
    // Memory.
    "brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall mseal "
    "remap_file_pages membarrier memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect mbind get_mempolicy "
    "set_mempolicy set_mempolicy_home_node cachestat map_shadow_stack process_mrelease",
    // Processes and threads. clone has a rule of its own.
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid "
    "getsid "
    "setsid set_tid_address set_robust_list get_robust_list set_thread_area get_thread_area rseq restart_syscall prctl "
    "seccomp ptrace process_vm_readv process_vm_writev pidfd_open pidfd_getfd pidfd_send_signal",
    "futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue landlock_create_ruleset landlock_add_rule "
    "landlock_restrict_self lsm_get_self_attr lsm_list_modules syscall",
    // Who one is.
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 "
    "getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid "
    "setresuid32 "
    "setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset",
    // Signals.
    "kill tkill tgkill signal sigaction sigpending sigprocmask sigreturn sigsuspend sigaltstack rt_sigaction "
    "rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo signalfd signalfd4 pause alarm",
    // Time.
    "time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
    "clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep getitimer setitimer timer_create "
    "timer_delete "
    "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create "
    "timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64",
    // Scheduling, limits, facts about the system.
    "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam "
    "sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
    "sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getcpu getrlimit ugetrlimit setrlimit "
    "prlimit64 getrusage uname sysinfo getrandom",
    // Network. socket has a rule of its own.
    "socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt "
    "send "
    "sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64",
    // System V and POSIX queues, semaphores, shared memory.
    "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget "
    "mq_open "
    "mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64",
#if defined(__x86_64__)
    "arch_prctl modify_ldt",
#else
    "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
#endif
};

/// Never for containers.
constexpr std::string_view refused =
    "bdflush kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice oldfstat oldlstat oldolduname oldstat "
    "olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask swapcontext swapoff swapon sysfs "
    "uselib "
    "userfaultfd ustat vm86 vm86old vmsplice add_key keyctl request_key";

struct Privileged {
  unsigned capability;
  std::string_view names;
};

constexpr std::array<Privileged, 13> privileged = {{
    {CAP_SYS_ADMIN,
     "mount umount umount2 pivot_root unshare setns fsopen fsconfig fsmount fspick open_tree open_tree_attr move_mount "
     "mount_setattr fanotify_init lookup_dcookie quotactl quotactl_fd setdomainname sethostname bpf perf_event_open"},
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_MODULE, "delete_module finit_module init_module query_module"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_PTRACE, "kcmp process_madvise"},
    {CAP_SYS_RAWIO, "ioperm iopl"},
    {CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
}};

constexpr std::uint64_t bit(unsigned capability) {
  return std::uint64_t{1} << capability;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view word : base::split(text, ' ')) out.emplace_back(word);
  return out;
}

SyscallRule allow_if(std::string_view name, std::vector<ArgumentRule> arguments) {
  return {{std::string{name}}, SECCOMP_RET_ALLOW, std::move(arguments)};
}

ArgumentRule low_half_is_not(unsigned index, std::vector<std::uint32_t> numbers) {
  return {index, ArgumentTest::low_half_is_none_of, 0, 0, std::move(numbers)};
}

ArgumentRule low_half_is(unsigned index, std::uint32_t number) {
  return {index, ArgumentTest::masked_equal, 0xffffffff, number, {}};
}

/// Some names stand under two capabilities; one of them is enough, and the first rule of a name counts.
void add_privileged(std::uint64_t capabilities, std::vector<SyscallRule>& rules) {
  for (const Privileged& group : privileged)
    if ((capabilities & bit(group.capability)) != 0) rules.push_back({words(group.names), SECCOMP_RET_ALLOW, {}});
  for (const Privileged& group : privileged)
    if ((capabilities & bit(group.capability)) == 0) rules.push_back({words(group.names), refuse, {}});
}

/// clone3 hides its flags in memory, where no filter can look: ENOSYS makes libc fall back to clone.
void add_clone(std::uint64_t capabilities, std::vector<SyscallRule>& rules) {
  if ((capabilities & bit(CAP_SYS_ADMIN)) != 0) {
    rules.push_back({{"clone", "clone3"}, SECCOMP_RET_ALLOW, {}});
    return;
  }
  rules.push_back(allow_if("clone", {{0, ArgumentTest::masked_equal, clone_namespace_flags, 0, {}}}));
  for (unsigned flag = 0; flag < 32; ++flag)  // not one rule for all: to libseccomp that would take the other's place
    if ((clone_namespace_flags >> flag & 1) != 0)
      rules.push_back({{"clone"}, refuse, {{0, ArgumentTest::masked_equal, bit(flag), bit(flag), {}}}});
  rules.push_back({{"clone3"}, not_there, {}});
}

/// Programs that log to audit (login, su) take EINVAL as "there is no audit here"; EPERM would stop them.
void add_socket(std::uint64_t capabilities, std::vector<SyscallRule>& rules) {
  if ((capabilities & bit(CAP_AUDIT_WRITE)) != 0) {
    rules.push_back(allow_if("socket", {low_half_is_not(0, {family_vsock})}));
  } else {
    rules.push_back(allow_if("socket", {low_half_is_not(0, {family_vsock, family_netlink})}));
    rules.push_back(
        allow_if("socket", {low_half_is(0, family_netlink), {2, ArgumentTest::not_equal, netlink_audit, 0, {}}}));
    rules.push_back({{"socket"},
                     SECCOMP_RET_ERRNO | EINVAL,
                     {low_half_is(0, family_netlink), {2, ArgumentTest::equal, netlink_audit, 0, {}}}});
  }
  rules.push_back({{"socket"}, refuse, {low_half_is(0, family_vsock)}});
}

void add_arguments(std::vector<SyscallRule>& rules) {
  rules.push_back(allow_if("ioctl", {low_half_is_not(1, {tiocsti, tioclinux})}));
  rules.push_back({{"ioctl"}, refuse, {low_half_is(1, tiocsti)}});
  rules.push_back({{"ioctl"}, refuse, {low_half_is(1, tioclinux)}});
  // PER_LINUX, PER_LINUX32, UNAME26, both, and the question for the current one.
  for (const std::uint64_t persona : {0x0u, 0x8u, 0x20000u, 0x20008u, 0xffffffffu})
    rules.push_back(allow_if("personality", {{0, ArgumentTest::equal, persona, 0, {}}}));
}

}  // namespace

std::uint64_t seccomp_relevant_capabilities() noexcept {
  std::uint64_t bits = bit(CAP_AUDIT_WRITE);
  for (const Privileged& group : privileged) bits |= bit(group.capability);
  return bits;
}

SeccompProfile default_seccomp_profile(std::uint64_t capabilities) {
  SeccompProfile profile;
  profile.default_action = not_there;
#if defined(__x86_64__)
  profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
#else
  profile.architectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#endif
  SyscallRule everywhere{{}, SECCOMP_RET_ALLOW, {}};
  for (const std::string_view topic : allowed)
    for (std::string& name : words(topic)) everywhere.names.push_back(std::move(name));
  profile.rules.push_back(std::move(everywhere));
  profile.rules.push_back({words(refused), refuse, {}});
  add_privileged(capabilities, profile.rules);
  add_clone(capabilities, profile.rules);
  add_socket(capabilities, profile.rules);
  add_arguments(profile.rules);
  return profile;
}

}  // namespace runtime
