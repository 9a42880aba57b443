#include "cmd/oci_run.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "base/signals.hpp"
#include "cmd/oci_create.hpp"
#include "cmd/oci_destroy.hpp"
#include "cmd/oci_notify.hpp"
#include "engine/attach.hpp"
#include "engine/relay.hpp"
#include "runtime/terminal.hpp"

namespace cmd {
namespace {

int run_detached(const OciGlobals& globals, const OciWords& words, OciCreation& creation) {
  creation.give_notify_socket();
  const auto ready = ReadyForwarder::listen(creation.dir());
  runtime::CreatedInit init = creation.create_waiting();
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  creation.publish_running(words, init);
  const base::UniqueFd process = base::duplicate(init.process.pidfd());
  const pid_t pid = init.process.pid();
  static_cast<void>(init.process.detach());
  run_poststart(globals, find_oci_container(globals.root, words.words.front()));
  if (ready) ready->forward(process, pid);
  return 0;
}

int run_attached(const OciGlobals& globals, const OciWords& words, OciCreation& creation) {
  const std::string& id = words.words.front();
  engine::ChildStreams streams;
  if (!creation.spec().process.terminal) streams = engine::make_child_streams(true);
  give_streams(creation.request, streams);
  creation.request.die_with_parent = true;
  creation.give_notify_socket();
  const auto ready = ReadyForwarder::listen(creation.dir());
  base::SignalFd signals{engine::forwarded_signals()};
  pid_t pid = 0;
  const auto cleaning = base::on_scope_exit([&] {
    if (pid > 0 && !words.has("keep")) delete_ended(globals, id, pid);
  });
  runtime::CreatedInit init = creation.create_waiting();
  streams.kept.clear();
  creation.publish_running(words, init);
  pid = init.process.pid();
  run_poststart(globals, find_oci_container(globals.root, id));
  if (ready) {
    streams.relay.watched = ready->fd();
    // The main process of a service is this one, which ends as the container does.
    streams.relay.read_watched = [&ready] { return !ready->pass_on(::getpid()); };
  }
  return relay_oci_process(init, std::move(streams.relay), signals);
}

}  // namespace

void delete_ended(const OciGlobals& globals, const std::string& id, pid_t pid) noexcept {
  try {
    LockedContainer locked = lock_oci_container(globals.root, id);
    if (locked.container.state.process.pid == pid) destroy_oci_container(globals.root, std::move(locked));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) base::log(base::LogLevel::warn, error.message());
  } catch (...) {
    base::log(base::LogLevel::warn, "the container was not deleted: out of memory");
  }
}

int relay_oci_process(runtime::CreatedInit& init, engine::Relay relay, base::SignalFd& signals) {
  relay.terminal = init.terminal.get();
  relay.with_stdin = true;
  relay.forward_signal = [&](int signal) { init.process.send_signal(signal); };
  if (init.terminal)
    if (const auto size = runtime::window_size(STDIN_FILENO)) runtime::set_window_size(init.terminal.get(), *size);
  const runtime::RawTerminal raw{init.terminal ? STDIN_FILENO : -1};
  return engine::relay(init.process, std::move(relay), signals).code;
}

int oci_run(const OciGlobals& globals, const OciWords& words) {
  OciBundle bundle = read_oci_bundle(words);
  if (!bundle.spec.has_process) throw base::make_error(base::ErrorKind::corrupt, "config.json: process is missing");
  const bool is_detached = words.has("detach");
  check_console(words, bundle.spec.process.terminal && is_detached);
  OciCreation creation{globals, words, std::move(bundle)};
  return is_detached ? run_detached(globals, words, creation) : run_attached(globals, words, creation);
}

}  // namespace cmd
