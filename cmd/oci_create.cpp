#include "cmd/oci_create.hpp"

#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "cmd/oci_state.hpp"
#include "engine/attach.hpp"
#include "engine/oci_id_maps.hpp"
#include "engine/relay.hpp"
#include "runtime/container.hpp"
#include "runtime/state.hpp"
#include "runtime/terminal.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

/// A bundle that shall become a container.
struct Bundle {
  std::string path;  ///< Absolute.
  std::string json;
  runtime::Spec spec;
};

Bundle read_bundle(const OciWords& words) {
  const std::string given = words.value_or("bundle", ".");
  std::array<char, PATH_MAX> absolute{};
  if (::realpath(given.c_str(), absolute.data()) == nullptr)
    throw base::os_error("opening bundle ", base::quoted(given));
  Bundle bundle{.path = absolute.data()};
  const std::string file = bundle.path + "/config.json";
  bundle.json = base::read_file(AT_FDCWD, file, runtime::max_spec_bytes);
  bundle.spec = runtime::parse_spec(bundle.json, file);
  if (!bundle.spec.linux.resources_json.empty())
    base::log(base::LogLevel::debug, "linux.resources are not enforced: no cgroup is made");
  return bundle;
}

void make_fifo(int dir, const char* name) {
  if (::mkfifoat(dir, name, 0600) != 0) throw base::os_error("making FIFO ", base::quoted(name));
}

/// For reading and writing: the open does not wait, and one end is there as long as the process is.
base::UniqueFd open_fifo(int dir, const char* name) {
  base::UniqueFd fifo{::openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
  if (!fifo) throw base::os_error("opening FIFO ", base::quoted(name));
  return fifo;
}

runtime::CreateRequest make_request(const Bundle& bundle, const OciWords& words) {
  runtime::CreateRequest request{.spec = bundle.spec, .bundle = bundle.path, .rootfs = std::nullopt};
  request.no_pivot = words.has("no-pivot");
  request.write_id_maps = [&bundle](pid_t pid, int proc_pid_fd) {
    engine::write_spec_id_maps(bundle.spec, pid, proc_pid_fd);
  };
  const auto count = base::parse_unsigned(words.value_or("preserve-fds", "0"));
  if (!count || *count > 1024) throw make_error(ErrorKind::invalid_argument, "--preserve-fds needs a small number");
  request.preserved_fds.resize(*count);
  std::iota(request.preserved_fds.begin(), request.preserved_fds.end(), 3);
  return request;
}

OciState make_state(const Bundle& bundle, const std::string& id, pid_t pid) {
  const std::string& root = bundle.spec.root_path;
  return {.id = id,
          .oci_version = bundle.spec.oci_version,
          .bundle = bundle.path,
          .pid = pid,
          .start_time = runtime::process_start_time(pid).value_or(0),  // ended already: nothing will match
          .created = base::format_rfc3339(base::now()),
          .owner = ::geteuid(),
          .rootfs = root.starts_with('/') ? root : base::concat(bundle.path, '/', root),
          .annotations = bundle.spec.annotations};
}

void publish(int dir, const Bundle& bundle, const OciWords& words, const std::string& id, pid_t pid) {
  write_oci_state(dir, make_state(bundle, id, pid));
  if (const auto file = words.value("pid-file")) write_pid_file(*file, pid);
}

void check_console(const Bundle& bundle, const OciWords& words, bool is_detached) {
  const bool wants_socket = bundle.spec.process.terminal && is_detached;
  if (wants_socket != words.has("console-socket"))
    throw make_error(ErrorKind::invalid_argument, wants_socket ? "process.terminal needs --console-socket here"
                                                               : "--console-socket needs process.terminal and a "
                                                                 "detached container");
}

/// A container's state folder, removed unless keep() is called.
class NewContainer {
 public:
  NewContainer(const std::string& root, std::string id)
      : root_(open_oci_root(root)), id_(std::move(id)), dir_(make_oci_container(root_.get(), id_)) {}
  NewContainer(const NewContainer&) = delete;
  NewContainer& operator=(const NewContainer&) = delete;
  ~NewContainer() {
    try {
      if (!kept_) base::remove_tree(root_.get(), id_);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, "state of ", base::quoted(id_), " stays: ", error.what());
    }
  }
  int dir() const noexcept { return dir_.get(); }
  const std::string& id() const noexcept { return id_; }
  void keep() noexcept { kept_ = true; }

 private:
  base::UniqueFd root_;
  std::string id_;
  base::UniqueFd dir_;
  bool kept_ = false;
};

int run_detached(const Bundle& bundle, const OciWords& words, runtime::CreateRequest& request,
                 NewContainer& container) {
  runtime::CreatedInit init = runtime::create(request);
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  runtime::wait_for_exec(init);
  publish(container.dir(), bundle, words, container.id(), init.process.pid());
  static_cast<void>(init.process.detach());
  container.keep();
  return 0;
}

int run_attached(const Bundle& bundle, const OciWords& words, runtime::CreateRequest& request,
                 NewContainer& container) {
  engine::ChildStreams streams;
  if (!bundle.spec.process.terminal) streams = engine::make_child_streams(true);
  request.stdin_fd = streams.in < 0 ? STDIN_FILENO : streams.in;
  request.stdout_fd = streams.out;
  request.stderr_fd = streams.err;
  request.die_with_parent = true;
  base::SignalFd signals{engine::forwarded_signals()};
  runtime::CreatedInit init = runtime::create(request);
  streams.kept.clear();
  runtime::wait_for_exec(init);
  publish(container.dir(), bundle, words, container.id(), init.process.pid());
  streams.relay.terminal = init.terminal.get();
  streams.relay.with_stdin = true;
  streams.relay.forward_signal = [&](int signal) { init.process.send_signal(signal); };
  if (init.terminal)
    if (const auto size = runtime::window_size(STDIN_FILENO)) runtime::set_window_size(init.terminal.get(), *size);
  const runtime::RawTerminal raw{init.terminal ? STDIN_FILENO : -1};
  return engine::relay(init.process, std::move(streams.relay), signals).code;
}

}  // namespace

int oci_create(const OciGlobals& globals, const OciWords& words) {
  const Bundle bundle = read_bundle(words);
  check_console(bundle, words, true);
  NewContainer container{globals.root, only_id(words)};
  base::write_file_atomically(container.dir(), "config.json", bundle.json, base::Durability::volatile_);
  make_fifo(container.dir(), start_fifo);
  make_fifo(container.dir(), report_fifo);
  const base::UniqueFd start = open_fifo(container.dir(), start_fifo);
  const base::UniqueFd report = open_fifo(container.dir(), report_fifo);
  runtime::CreateRequest request = make_request(bundle, words);
  request.start_fd = start.get();
  request.report_fd = report.get();
  runtime::CreatedInit init = runtime::create(request);
  if (init.terminal) send_console(*words.value("console-socket"), init.terminal.get());
  publish(container.dir(), bundle, words, container.id(), init.process.pid());
  static_cast<void>(init.process.detach());
  container.keep();
  return 0;
}

int oci_run(const OciGlobals& globals, const OciWords& words) {
  const Bundle bundle = read_bundle(words);
  const bool is_detached = words.has("detach");
  check_console(bundle, words, is_detached);
  NewContainer container{globals.root, only_id(words)};
  base::write_file_atomically(container.dir(), "config.json", bundle.json, base::Durability::volatile_);
  runtime::CreateRequest request = make_request(bundle, words);
  return is_detached ? run_detached(bundle, words, request, container)
                     : run_attached(bundle, words, request, container);
}

int oci_start(const OciGlobals& globals, const OciWords& words) {
  const OciContainer container = find_oci_container(globals.root, only_id(words));
  const std::string status = status_of(container);
  if (status != "created")
    throw make_error(ErrorKind::in_use, "container ", base::quoted(container.state.id), " is ", status,
                     ", not created");
  const int dir = container.dir.get();
  runtime::CreatedInit init;
  init.start_report = base::UniqueFd{::openat(dir, report_fifo, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!init.start_report) throw base::os_error("opening FIFO \"report\"");
  const base::UniqueFd start{::openat(dir, start_fifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!start) throw base::os_error("opening FIFO \"start\"");
  base::write_all(start.get(), "s");
  base::unlink_file(dir, start_fifo);
  base::unlink_file(dir, report_fifo);
  base::set_nonblocking(init.start_report.get(), false);
  const std::string json = base::read_file(dir, "config.json", runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(json, "config.json");
  init.command = spec.process.args.front();
  init.cwd = spec.process.cwd;
  runtime::wait_for_exec(init);
  return 0;
}

}  // namespace cmd
