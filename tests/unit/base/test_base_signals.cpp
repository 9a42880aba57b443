#include <doctest/doctest.h>
#include <unistd.h>

#include "base/signals.hpp"

using namespace base;

TEST_CASE("signals have names, numbers and distances") {
  struct Case {
    const char* text;
    int number;
  };
  for (const Case& one :
       {Case{"TERM", SIGTERM}, Case{"SIGTERM", SIGTERM}, Case{"sigterm", SIGTERM}, Case{"15", SIGTERM},
        Case{"KILL", SIGKILL}, Case{"usr1", SIGUSR1}, Case{"IOT", SIGABRT}, Case{"POLL", SIGIO}, Case{"RTMIN", 34},
        Case{"SIGRTMIN+3", 37}, Case{"rtmin+30", 64}, Case{"RTMAX", 64}, Case{"RTMAX-2", 62}, Case{"64", 64}}) {
    CAPTURE(one.text);
    CHECK(parse_signal(one.text) == one.number);
  }
  for (const char* bad : {"", "0", "65", "-1", "SIG", "SIGSIGTERM", "TERM ", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMIN+",
                          "RTMINX", "9999999999999999999999"}) {
    CAPTURE(bad);
    CHECK(!parse_signal(bad));
  }
}

TEST_CASE("a signal's name can be parsed again") {
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == 32 || signal == 33) continue;  // glibc's own
    CAPTURE(signal);
    CHECK(parse_signal(signal_name(signal)) == signal);
  }
  CHECK(signal_name(SIGTERM) == "SIGTERM");
  CHECK(signal_name(SIGABRT) == "SIGABRT");
  CHECK(signal_name(37) == "SIGRTMIN+3");
}

TEST_CASE("blocked signals are read from a descriptor and the mask comes back") {
  sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    SignalFd signals{SIGUSR1, SIGUSR2};
    CHECK(!signals.next());
    ::kill(::getpid(), SIGUSR2);
    CHECK(signals.next() == SIGUSR2);
    CHECK(!signals.next());
  }
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGUSR1, SIGUSR2}) CHECK(::sigismember(&before, signal) == ::sigismember(&after, signal));
}
