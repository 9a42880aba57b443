#include "runtime/namespaces.hpp"

#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t propagation_private = 1u << 18;  // MS_PRIVATE
constexpr std::uint64_t propagation_slave = 1u << 19;    // MS_SLAVE

OpenNamespace open_namespace(const NamespaceToJoin& step) {
  // Not opened for reading a device or a FIFO by mistake: O_NONBLOCK returns at once, the ioctl below tells.
  OpenNamespace result{.flag = step.flag,
                       .path = step.path,
                       .fd = base::UniqueFd{::open(step.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)}};
  if (!result.fd) throw base::os_error("opening ", step.type, " namespace ", base::quoted(step.path));
  const int type = ::ioctl(result.fd.get(), NS_GET_NSTYPE);
  if (type < 0 || static_cast<unsigned>(type) != step.flag)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(step.path), " is not a ", step.type,
                           " namespace");
  return result;
}

}  // namespace

std::vector<OpenNamespace> open_namespaces(const NamespacePlan& plan) {
  std::vector<OpenNamespace> result;
  for (const NamespaceToJoin& step : plan.joined) result.push_back(open_namespace(step));
  return result;
}

void join_namespaces(const std::vector<OpenNamespace>& namespaces, unsigned flags) {
  for (const OpenNamespace& entry : namespaces) {
    if ((entry.flag & flags) == 0) continue;
    if (::setns(entry.fd.get(), static_cast<int>(entry.flag)) != 0)
      throw base::os_error("joining the ", namespace_file(entry.flag), " namespace ", base::quoted(entry.path));
  }
}

void create_namespaces(unsigned flags) {
  if (flags != 0 && ::unshare(static_cast<int>(flags)) != 0)
    throw namespace_error(flags, "creating the container's namespaces");
}

base::Error namespace_error(unsigned flags, std::string doing) {
  base::Error error = base::error_from_code(errno, std::move(doing));
  if ((flags & CLONE_NEWUSER) != 0 && (error.code() == EPERM || error.code() == ENOSPC))
    return std::move(error).with_hint(
        "user namespaces are switched off here: see sysctl user.max_user_namespaces and "
        "kernel.unprivileged_userns_clone");
  if (flags != 0 && error.code() == ENOSPC)
    return std::move(error).with_hint(
        "a limit of namespaces is reached: see sysctl user.max_pid_namespaces and its like");
  if ((flags & CLONE_NEWTIME) != 0 && error.code() == EINVAL)
    return std::move(error).with_hint("time namespaces need Linux 5.6");
  return error;
}

base::UniqueFd open_time_offsets() {
  base::UniqueFd file{::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC)};
  if (!file) throw base::os_error("opening \"/proc/self/timens_offsets\" for linux.timeOffsets");
  return file;
}

void write_time_offsets(const base::UniqueFd& file, const std::vector<TimeOffset>& offsets) {
  std::string lines;  // one write(2): the kernel takes no second one when the first was to no effect
  for (const TimeOffset& offset : offsets)
    lines += base::concat(offset.clock, ' ', offset.seconds, ' ', offset.nanoseconds, '\n');
  base::with_context([&] { base::write_all(file.get(), lines); }, "setting linux.timeOffsets");
}

void separate_mounts(bool as_slaves) {
  const base::UniqueFd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening \"/\"");
  base::set_propagation(root.get(), as_slaves ? propagation_slave : propagation_private, true);
}

void keep_capabilities_over_exec() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, data) != 0) throw base::os_error("asking for our capabilities");
  for (__user_cap_data_struct& half : data) half.inheritable = half.permitted;
  if (::syscall(SYS_capset, &header, data) != 0) throw base::os_error("making our capabilities inheritable");
  for (unsigned capability = 0; capability < 64; ++capability)
    if ((data[capability / 32].permitted >> (capability % 32) & 1) != 0)
      ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

bool become_container_root(bool keeps_groups) {
  // The raw calls: glibc's would go looking for threads to tell.
  const bool may_set_groups = !keeps_groups && ::syscall(SYS_setgroups, 0, nullptr) == 0;
  if (!keeps_groups && !may_set_groups && errno != EPERM) throw base::os_error("dropping supplementary groups");
  // EINVAL: the map has no 0. Whoever made the namespace is root there by its capabilities, as any id that exists.
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0 && errno != EINVAL)
    throw base::os_error("becoming group 0 of the container");
  if (::syscall(SYS_setresuid, 0, 0, 0) != 0) {
    if (errno != EINVAL) throw base::os_error("becoming user 0 of the container");
    keep_capabilities_over_exec();
  }
  return may_set_groups;
}

void bring_loopback_up() {
  const base::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::os_error("opening a socket in the container's network");
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) throw base::os_error("bringing the loopback interface up");
}

void set_host_names(const std::string& hostname, const std::string& domainname) {
  if (!hostname.empty() && ::sethostname(hostname.data(), hostname.size()) != 0)
    throw base::os_error("setting the host name ", base::quoted(hostname));
  if (!domainname.empty() && ::setdomainname(domainname.data(), domainname.size()) != 0)
    throw base::os_error("setting the domain name ", base::quoted(domainname));
}

}  // namespace runtime
