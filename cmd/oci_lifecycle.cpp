#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "base/signals.hpp"
#include "cmd/oci_state.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"

// What is done with a container that exists: state, kill, delete, list.

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr int kill_limit_milliseconds = 10'000;

void send(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0 && errno != ESRCH)
    throw base::os_error("sending ", base::signal_name(signal));
}

void kill_and_wait(const base::UniqueFd& process) {
  send(process.get(), SIGKILL);
  pollfd waiting{process.get(), POLLIN, 0};
  const int ready = ::poll(&waiting, 1, kill_limit_milliseconds);
  if (ready < 0) throw base::os_error("waiting for the container's process");
  if (ready == 0) throw make_error(ErrorKind::in_use, "the container's process does not die");
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

void print_table(const std::vector<OciContainer>& containers) {
  print_line(base::concat(padded("ID", 20), padded("PID", 10), padded("STATUS", 12), padded("BUNDLE", 30), "CREATED"));
  for (const OciContainer& container : containers) {
    const std::string status = status_of(container);
    print_line(base::concat(padded(container.state.id, 20),
                            padded(base::concat(status == "stopped" ? 0 : container.state.pid), 10), padded(status, 12),
                            padded(container.state.bundle, 30), container.state.created));
  }
}

void print_json(const std::vector<OciContainer>& containers) {
  base::JsonWriter json;
  json.begin_array();
  for (const OciContainer& container : containers) json.raw(state_json(container));
  json.end_array();
  print_line(json.text());
}

}  // namespace

int oci_state(const OciGlobals& globals, const OciWords& words) {
  print_line(state_json(find_oci_container(globals.root, only_id(words))));
  return 0;
}

int oci_kill(const OciGlobals& globals, const OciWords& words) {
  if (words.words.empty() || words.words.size() > 2)
    throw make_error(ErrorKind::invalid_argument, "kill needs a container id and at most one signal");
  const std::string word = words.words.size() == 2 ? words.words[1] : "TERM";
  const auto signal = base::parse_signal(word);
  if (!signal) throw make_error(ErrorKind::invalid_argument, base::quoted(word), " is not a signal");
  const OciContainer container = find_oci_container(globals.root, words.words.front());
  const base::UniqueFd process = open_oci_process(container.state);
  if (!process) throw make_error(ErrorKind::in_use, "container ", base::quoted(container.state.id), " is not running");
  send(process.get(), *signal);
  return 0;
}

int oci_delete(const OciGlobals& globals, const OciWords& words) {
  const std::string& id = only_id(words);
  check_oci_id(id);
  const bool is_forced = words.has("force");
  const auto root = base::try_open_directory(AT_FDCWD, globals.root);
  if (is_forced && (!root || !base::exists(root->get(), id))) return 0;
  if (is_forced && !base::exists(root->get(), id + "/state.json")) {  // its maker died half-way
    base::remove_tree(root->get(), id);
    return 0;
  }
  const OciContainer container = find_oci_container(globals.root, id);
  const std::string status = status_of(container);
  if (status == "running" && !is_forced)
    throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is running")
        .with_hint("kill it first, or add --force");
  if (const base::UniqueFd process = open_oci_process(container.state)) kill_and_wait(process);
  base::remove_tree(root->get(), id);
  return 0;
}

int oci_list(const OciGlobals& globals, const OciWords& words) {
  const std::vector<OciContainer> containers = list_oci_containers(globals.root);
  const std::string format = words.value_or("format", "table");
  if (format != "table" && format != "json")
    throw make_error(ErrorKind::invalid_argument, "--format is table or json, not ", base::quoted(format));
  if (words.has("quiet")) {
    for (const OciContainer& container : containers) print_line(container.state.id);
  } else if (format == "json") {
    print_json(containers);
  } else {
    print_table(containers);
  }
  return 0;
}

}  // namespace cmd
