#include "engine/socket_activation.hpp"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/joined_namespaces.hpp"
#include "rootless/host_facts.hpp"

namespace engine {

using base::concat;

namespace {

constexpr std::uint64_t max_sockets = 512;

}  // namespace

PassedSockets passed_sockets() {
  const auto count = rootless::environment("LISTEN_FDS"), pid = rootless::environment("LISTEN_PID");
  if (!count || !pid || base::parse_unsigned(*pid) != static_cast<std::uint64_t>(::getpid())) return {};
  const auto number = base::parse_unsigned(*count);
  if (!number || *number > max_sockets)
    throw base::make_error(base::ErrorKind::invalid_argument, "LISTEN_FDS is ", base::quoted(*count),
                           ", and not a number of sockets");
  return {static_cast<unsigned>(*number), rootless::environment("LISTEN_FDNAMES")};
}

std::vector<int> descriptors_to_pass(unsigned count, const std::vector<std::string>& numbers) {
  std::vector<int> passed = base::inherited_descriptors(count);
  for (const std::string& word : numbers) {
    const auto number = base::parse_unsigned(word);
    if (!number || *number < 3 || *number > INT_MAX)
      throw base::make_error(base::ErrorKind::invalid_argument, "--preserve-fd ", base::quoted(word),
                             " is not the number of a descriptor from 3 on");
    const int fd = static_cast<int>(*number);
    // Those that we opened are close-on-exec.
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0)
      throw base::make_error(base::ErrorKind::invalid_argument, "descriptor ", fd,
                             " is to be passed on, but the caller has not opened it")
          .with_hint("see --preserve-fd");
    const auto place = static_cast<std::size_t>(fd - 3);
    if (place >= passed.size()) passed.resize(place + 1, -1);
    passed[place] = fd;
  }
  return passed;
}

base::UniqueFd fill_gaps(std::vector<int>& passed) {
  if (std::find(passed.begin(), passed.end(), -1) == passed.end()) return {};
  base::UniqueFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!nothing) throw base::os_error("opening \"/dev/null\"");
  std::replace(passed.begin(), passed.end(), -1, nothing.get());
  return nothing;
}

void tell_of_sockets(std::vector<std::string>& env, const PassedSockets& sockets, const runtime::Spec& spec,
                     bool has_init) {
  if (sockets.count == 0) return;
  std::erase_if(env, [](const std::string& entry) {
    return entry.starts_with("LISTEN_FDS=") || entry.starts_with("LISTEN_PID=") || entry.starts_with("LISTEN_FDNAMES=");
  });
  env.push_back(concat("LISTEN_FDS=", sockets.count));
  if (sockets.names) env.push_back(concat("LISTEN_FDNAMES=", *sockets.names));
  if (has_own_pid_namespace(spec))
    env.push_back(concat("LISTEN_PID=", has_init ? 2 : 1));
  else
    base::log(base::LogLevel::warn,
              "LISTEN_PID cannot be told to the program, as its pid is not known in the pid namespace of others: "
              "libraries that look at it will not take the sockets");
}

}  // namespace engine
