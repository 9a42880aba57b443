#include "registry/discard_on_signal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"

namespace registry {

namespace {

bool are_taken() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return ::sigismember(&blocked, SIGINT) == 1;
}

/// Ends this process as if nobody had waited for the signal.
void let_happen(int number) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, number);
  ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::raise(number);
}

}  // namespace

DiscardOnSignal::DiscardOnSignal(std::function<void()> discard) : discard_(std::move(discard)) {
  if (are_taken()) return;
  end_ = base::UniqueFd{::eventfd(0, EFD_CLOEXEC)};
  if (!end_) throw base::os_error("making an eventfd");
  signals_.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
  thread_ = std::thread([this] { wait(); });
}

DiscardOnSignal::~DiscardOnSignal() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);  // an eventfd takes it always
  thread_.join();
}

void DiscardOnSignal::wait() noexcept {
  while (true) {
    pollfd waits[] = {{.fd = signals_->fd(), .events = POLLIN, .revents = 0},
                      {.fd = end_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    try {
      const auto number = signals_->next();
      if (!number) continue;
      discard_();
      let_happen(*number);
    } catch (const std::exception&) {  // the last frame of a thread: what could not be removed has a telling name
      let_happen(SIGTERM);
    }
  }
}

}  // namespace registry
