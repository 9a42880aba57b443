#include <fcntl.h>
#include <numeric>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "cmd/oci_create.hpp"
#include "cmd/oci_state.hpp"
#include "engine/attach.hpp"
#include "engine/relay.hpp"
#include "runtime/container.hpp"
#include "runtime/spec_linux.hpp"
#include "runtime/terminal.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

std::uint32_t parse_id(std::string_view text) {
  const auto number = base::parse_unsigned(text);
  if (!number || *number >= UINT32_MAX) throw make_error(ErrorKind::invalid_argument, base::quoted(text), " is no id");
  return static_cast<std::uint32_t>(*number);
}

void set_user(runtime::User& user, const std::string& text) {
  const auto pair = base::split_once(text, ':');
  user = {.uid = parse_id(pair ? pair->first : text)};
  if (pair) user.gid = parse_id(pair->second);
}

/// --process FILE, or the container's own process with the options and words typed.
runtime::Process make_process(const OciWords& words, const runtime::Spec& spec) {
  if (const auto file = words.value("process")) {
    const std::string json = base::read_file(AT_FDCWD, *file, runtime::max_spec_bytes);
    return runtime::parse_process(base::JsonAt::parse(json, *file));
  }
  runtime::Process process = spec.process;
  process.args.assign(words.words.begin() + 1, words.words.end());
  if (process.args.empty()) throw make_error(ErrorKind::invalid_argument, "no command was given");
  process.terminal = words.has("tty");
  process.cwd = words.value_or("cwd", process.cwd);
  if (const auto user = words.value("user")) set_user(process.user, *user);
  for (const std::string& entry : words.values("env")) process.env.push_back(entry);
  return process;
}

int run_attached(runtime::ExecRequest& request, const OciWords& words) {
  engine::ChildStreams streams;
  if (!request.process.terminal) streams = engine::make_child_streams(true);
  request.stdin_fd = streams.in < 0 ? STDIN_FILENO : streams.in;
  request.stdout_fd = streams.out;
  request.stderr_fd = streams.err;
  request.die_with_parent = true;
  base::SignalFd signals{engine::forwarded_signals()};
  runtime::CreatedInit init = runtime::exec(request);
  streams.kept.clear();
  runtime::wait_for_exec(init);
  if (const auto file = words.value("pid-file")) write_pid_file(*file, init.process.pid());
  streams.relay.terminal = init.terminal.get();
  streams.relay.with_stdin = true;
  streams.relay.forward_signal = [&](int signal) { init.process.send_signal(signal); };
  const runtime::RawTerminal raw{init.terminal ? STDIN_FILENO : -1};
  return engine::relay(init.process, std::move(streams.relay), signals).code;
}

int run_detached(runtime::ExecRequest& request, const OciWords& words) {
  const auto socket = words.value("console-socket");
  if (request.process.terminal && !socket)
    throw make_error(ErrorKind::invalid_argument, "a terminal needs --console-socket with --detach");
  runtime::CreatedInit init = runtime::exec(request);
  if (init.terminal) send_console(*socket, init.terminal.get());
  runtime::wait_for_exec(init);
  if (const auto file = words.value("pid-file")) write_pid_file(*file, init.process.pid());
  static_cast<void>(init.process.detach());
  return 0;
}

}  // namespace

int oci_exec(const OciGlobals& globals, const OciWords& words) {
  if (words.words.empty()) throw make_error(ErrorKind::invalid_argument, "no container id was given");
  const OciContainer container = find_oci_container(globals.root, words.words.front());
  const base::UniqueFd process = open_oci_process(container.state);
  if (!process || status_of(container) != "running")
    throw make_error(ErrorKind::in_use, "container ", base::quoted(container.state.id), " is not running");
  const std::string json = base::read_file(container.dir.get(), "config.json", runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(json, "config.json");
  runtime::ExecRequest request{.init_pid = container.state.pid,
                               .init_pidfd = process.get(),
                               .process = make_process(words, spec),
                               .seccomp_json = spec.linux.seccomp_json};
  request.preserved_fds.resize(parse_id(words.value_or("preserve-fds", "0")));
  std::iota(request.preserved_fds.begin(), request.preserved_fds.end(), 3);
  return words.has("detach") ? run_detached(request, words) : run_attached(request, words);
}

}  // namespace cmd
