#include "engine/keeper.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "engine/error_bytes.hpp"

// The one place above runtime/init.cpp that forks without exec: the keeper goes on in C++ and must therefore be forked
// from a process with one thread, which is asserted.

namespace engine {
namespace {

constexpr char success = '+';  // then comes the keeper's pid; no error begins like this

/// Where the keeper's warnings go, which has no standard error any more: to the command, in front of the verdict.
const base::Channel* told = nullptr;

void tell(base::LogLevel level, std::string_view text) noexcept {
  try {
    told->send(base::concat('!', static_cast<int>(level), text));
  } catch (const base::Error&) {  // the command is gone: nobody is left to be told
  }
}

/// The verdict, once what the keeper had to tell was passed on.
std::optional<base::Channel::Message> receive_verdict(const base::Channel& verdict) {
  for (;;) {
    auto answer = verdict.receive();
    if (!answer || answer->bytes.size() < 2 || answer->bytes.front() != '!') return answer;
    base::log_line(static_cast<base::LogLevel>(answer->bytes[1] - '0'), std::string_view{answer->bytes}.substr(2));
  }
}

[[noreturn]] void live(const std::function<void(base::Channel&)>& life, base::Channel verdict) noexcept {
  try {
    life(verdict);
  } catch (const base::Error& error) {
    try {
      if (verdict) verdict.send(encode_error(error));
    } catch (const base::Error&) {  // the command is gone: nobody is left to be told
    }
  }
  ::_exit(125);
}

pid_t fork_or_throw(std::string_view who) {
  const pid_t pid = ::fork();
  if (pid < 0) throw base::os_error("forking ", who);
  return pid;
}

/// True in the keeper.
bool is_forked(std::string_view who, KeeperParent parent) {
  const pid_t child = fork_or_throw(who);
  if (parent == KeeperParent::us) return child == 0;
  if (child == 0) {
    const pid_t keeper = ::fork();
    if (keeper == 0) return true;
    ::_exit(keeper < 0 ? 125 : 0);  // the verdict's end of file says that there is none
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;  // its children have another parent by then
  return false;
}

}  // namespace

pid_t fork_keeper(std::string_view who, KeeperParent parent, const std::function<void(base::Channel& verdict)>& life) {
  base::assert_single_threaded();
  auto [verdict, keepers_verdict] = base::Channel::make_pair();
  if (is_forked(who, parent)) {
    verdict.close();
    live(life, std::move(keepers_verdict));
  }
  keepers_verdict.close();
  const auto answer = receive_verdict(verdict);
  if (!answer) throw base::make_error(base::ErrorKind::internal, who, " died while starting it");
  if (!answer->bytes.starts_with(success)) throw decode_error(answer->bytes);
  return static_cast<pid_t>(base::parse_unsigned(std::string_view{answer->bytes}.substr(1)).value_or(0));
}

void tell_success(base::Channel& verdict) {
  sigset_t told{};
  sigaddset(&told, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &told, nullptr);  // from now on it is for the monitor
  verdict.send(base::concat(success, ::getpid()));
  verdict.close();
}

void leave_caller(base::Channel& verdict) {
  ::setsid();
  if (::chdir("/") != 0) throw base::os_error("changing to the root directory");
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const int number : {0, 1, 2})
    if (::dup2(null.get(), number) < 0) throw base::os_error("closing the caller's streams");
  told = &verdict;
  base::set_log_sink(tell);
}

}  // namespace engine
