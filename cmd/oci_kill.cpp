#include <csignal>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "cmd/oci_processes.hpp"
#include "cmd/oci_verbs.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

int parse_signal_word(const std::string& word) {
  const auto signal = base::parse_signal(word);
  if (!signal) throw make_error(ErrorKind::invalid_argument, base::quoted(word), " is not a signal");
  return *signal;
}

/// A created process gets signals, too. Source: runtime.md "Kill".
void kill_first(const OciContainer& container, int signal) {
  const base::UniqueFd process = open_oci_process(container.state);
  if (!process || container.state.is_creating)
    throw make_error(ErrorKind::in_use, "container not running: ", base::quoted(container.state.id), " is ",
                     status_of(container));
  send_signal(process.get(), signal);
}

/// A container without processes is no error: containerd's shim makes sure of that by this call.
void kill_all(const OciContainer& container, int signal) {
  if (signal == SIGKILL) {
    const auto cgroup = runtime::Cgroup::open(container.state.cgroup);
    if (!cgroup->processes().empty()) return cgroup->kill_all();
  }
  signal_processes(container, signal);
}

}  // namespace

int oci_kill(const OciGlobals& globals, const OciWords& words) {
  const int signal = parse_signal_word(words.words.size() == 2 ? words.words[1] : "TERM");
  for (const OciContainer& container : select_oci_containers(globals.root, words.words.front(), words.has("regex"))) {
    if (words.has("all"))
      kill_all(container, signal);
    else
      kill_first(container, signal);
  }
  return 0;
}

}  // namespace cmd
