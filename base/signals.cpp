#include "base/signals.hpp"

#include <array>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.hpp"

namespace base {
namespace {

struct NamedSignal {
  std::string_view name;
  int number;
};

constexpr std::array named_signals = {
    NamedSignal{"HUP", SIGHUP},
    NamedSignal{"INT", SIGINT},
    NamedSignal{"QUIT", SIGQUIT},
    NamedSignal{"ILL", SIGILL},
    NamedSignal{"TRAP", SIGTRAP},
    NamedSignal{"ABRT", SIGABRT},
    NamedSignal{"BUS", SIGBUS},
    NamedSignal{"FPE", SIGFPE},
    NamedSignal{"KILL", SIGKILL},
    NamedSignal{"USR1", SIGUSR1},
    NamedSignal{"SEGV", SIGSEGV},
    NamedSignal{"USR2", SIGUSR2},
    NamedSignal{"PIPE", SIGPIPE},
    NamedSignal{"ALRM", SIGALRM},
    NamedSignal{"TERM", SIGTERM},
    NamedSignal{"STKFLT", SIGSTKFLT},
    NamedSignal{"CHLD", SIGCHLD},
    NamedSignal{"CONT", SIGCONT},
    NamedSignal{"STOP", SIGSTOP},
    NamedSignal{"TSTP", SIGTSTP},
    NamedSignal{"TTIN", SIGTTIN},
    NamedSignal{"TTOU", SIGTTOU},
    NamedSignal{"URG", SIGURG},
    NamedSignal{"XCPU", SIGXCPU},
    NamedSignal{"XFSZ", SIGXFSZ},
    NamedSignal{"VTALRM", SIGVTALRM},
    NamedSignal{"PROF", SIGPROF},
    NamedSignal{"WINCH", SIGWINCH},
    NamedSignal{"IO", SIGIO},
    NamedSignal{"PWR", SIGPWR},
    NamedSignal{"SYS", SIGSYS},
    // Other names for the same numbers; they come after the usual one, which signal_name() picks.
    NamedSignal{"IOT", SIGABRT},
    NamedSignal{"CLD", SIGCHLD},
    NamedSignal{"POLL", SIGIO},
};

// glibc keeps 32 and 33 for itself; docker and podman count from the same place.
constexpr int realtime_min = 34;
constexpr int realtime_max = 64;

/// "RTMIN+3", "RTMAX-2", "RTMIN".
std::optional<int> parse_realtime_signal(std::string_view name) {
  const bool from_min = name.substr(0, 5) == "RTMIN";
  if (!from_min && name.substr(0, 5) != "RTMAX") return std::nullopt;
  const int start = from_min ? realtime_min : realtime_max;
  if (name.size() == 5) return start;
  if (name[5] != (from_min ? '+' : '-')) return std::nullopt;
  const std::optional<std::uint64_t> distance = parse_unsigned(name.substr(6));
  if (!distance || *distance > realtime_max - realtime_min) return std::nullopt;
  return from_min ? start + static_cast<int>(*distance) : start - static_cast<int>(*distance);
}

}  // namespace

SignalFd::SignalFd(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  open(set);
}

SignalFd::SignalFd(const sigset_t& set) {
  open(set);
}

void SignalFd::open(const sigset_t& set) {
  fd_ = UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd_) throw os_error("making a signal descriptor");
  const int code = ::pthread_sigmask(SIG_BLOCK, &set, &previous_);
  if (code != 0) throw error_from_code(code, "blocking signals");
}

SignalFd::~SignalFd() {
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void SignalFd::end_process(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);  // process 1 of a container is not ended by its own signals
}

std::optional<int> SignalFd::next() {
  signalfd_siginfo info{};
  for (;;) {
    const ssize_t size = ::read(fd_.get(), &info, sizeof info);
    if (size == static_cast<ssize_t>(sizeof info)) return static_cast<int>(info.ssi_signo);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return std::nullopt;
    throw os_error("reading a signal");
  }
}

std::optional<int> parse_signal(std::string_view text) {
  if (const std::optional<std::uint64_t> number = parse_unsigned(text)) {
    if (*number < 1 || *number > realtime_max) return std::nullopt;
    return static_cast<int>(*number);
  }
  std::string name{text};
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (name.substr(0, 3) == "SIG") name.erase(0, 3);
  for (const NamedSignal& signal : named_signals)
    if (signal.name == name) return signal.number;
  return parse_realtime_signal(name);
}

std::string signal_name(int signal) {
  for (const NamedSignal& named : named_signals)
    if (named.number == signal) return concat("SIG", named.name);
  if (signal == realtime_min) return "SIGRTMIN";
  if (signal > realtime_min && signal <= realtime_max) return concat("SIGRTMIN+", signal - realtime_min);
  return concat("SIG", signal);
}

}  // namespace base
