#include "rootless/early_user_namespace.hpp"

#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "rootless/newidmap.hpp"

// The maker and the holder, its child, are clones without exec. What they say:
//
//   holder                        maker                          who begins the container
//   "." when it can be mapped ─▶  "namespace" and a descriptor ─▶ joins
//                                 runs newuidmap and newgidmap
//                                 "mapped", or an error        ─▶ goes on as the container's root

namespace rootless {
namespace {

constexpr std::string_view namespace_made = "namespace", ids_mapped = "mapped";
constexpr int channel_number = 3;

base::Child clone_here(unsigned long flags, const char* what) {
  int pidfd = -1;
  const long pid = ::syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) throw base::os_error(what);
  return {static_cast<pid_t>(pid), base::UniqueFd{pid == 0 ? -1 : pidfd}};
}

/// A filter of a surrounding sandbox may allow to make one and forbid to join it.
bool may_join() noexcept {
  const int own = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  return own >= 0 && ::setns(own, CLONE_NEWUSER) != 0 && errno == EINVAL;  // where one is, one cannot go
}

/// Keeps the namespace until the maker ends, which may have been killed by now.
[[noreturn]] void hold(int ready, pid_t maker) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != maker) ::_exit(1);
  // The map files of a process that is not dumpable are root's, and newuidmap refuses to write those. Source: proc(5).
  const bool is_usable = ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
  if (!is_usable || !may_join() || ::write(ready, ".", 1) != 1) ::_exit(1);
  for (;;) ::pause();
}

/// Nothing of the command's stays open in the maker, least of all a lock or its output.
void keep_only(int channel) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  bool is_done = null >= 0;
  for (const int number : {0, 1, 2})
    is_done = is_done && ::dup2(null, number) == number;  // the channel is none of these
  is_done = is_done && (channel == channel_number || ::dup2(channel, channel_number) == channel_number);
  is_done = is_done && ::syscall(SYS_close_range, channel_number + 1U, ~0U, 0) == 0;
  if (!is_done) throw base::os_error("closing the caller's descriptors");
}

void make_and_map(const base::Channel& channel, const HostFacts& host) {
  base::Pipe ready = base::make_pipe();
  const pid_t maker = ::getpid();
  const base::Child holder = clone_here(CLONE_NEWUSER, "making a user namespace");
  if (holder.pid() == 0) hold(ready.write_end.get(), maker);
  ready.write_end.reset();
  char byte = 0;
  if (base::read_full(ready.read_end.get(), &byte, 1) != 1) return;
  const std::string path = base::concat("/proc/", holder.pid(), "/ns/user");
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return;
  channel.send(namespace_made, {fd.get()});
  run_id_map_helpers(holder.pid(), host.id_map, host);
  channel.send(ids_mapped);
}

/// The maker's whole life. It goes on when the command is killed: a keeper may be waiting for the ids.
[[noreturn]] void make(int inherited_channel, const HostFacts& host) noexcept {
  try {
    keep_only(inherited_channel);
    const base::Channel channel{base::UniqueFd{channel_number}};
    try {
      make_and_map(channel, host);
    } catch (const base::Error& error) {
      channel.send(base::concat(error.message(), '\n', error.hint()));
    }
  } catch (...) {  // nobody is left to be told
  }
  ::_exit(0);
}

}  // namespace

std::optional<EarlyUserNamespace> EarlyUserNamespace::begin(const HostFacts& host) {
  if (host.id_map.single || host.writes_maps || host.newuidmap.empty() || host.newgidmap.empty()) return std::nullopt;
  base::assert_single_threaded();
  try {
    auto [ours, theirs] = base::Channel::make_pair();
    base::Child maker = clone_here(0, "forking");
    if (maker.pid() == 0) make(theirs.fd(), host);
    return EarlyUserNamespace{host.id_map, std::move(ours), std::move(maker)};
  } catch (const base::Error& error) {  // some limit, which the usual way, with fewer processes, may not meet
    base::log(base::LogLevel::debug, "no user namespace in advance: ", error.message());
    return std::nullopt;
  }
}

int EarlyUserNamespace::await_namespace() {
  auto message = channel_.receive();
  if (message && message->bytes == namespace_made && message->fds.size() == 1)
    namespace_ = std::move(message->fds.front());
  return namespace_.get();
}

void EarlyUserNamespace::await_ids() const {
  const auto message = channel_.receive();
  if (!message) throw base::make_error(base::ErrorKind::internal, "the process that maps ids died");
  if (message->bytes == ids_mapped) return;
  const auto error = base::split_once(message->bytes, '\n');
  throw base::Error{base::ErrorKind::permission, std::string{error ? error->first : message->bytes},
                    std::string{error ? error->second : ""}};
}

}  // namespace rootless
