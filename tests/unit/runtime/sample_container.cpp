#include "tests/unit/runtime/sample_container.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"

namespace {

constexpr std::size_t max_output_bytes = 1 << 20;
constexpr std::size_t max_busybox_bytes = 64 << 20;
constexpr const char* applets[] = {"sh", "cat",   "echo", "grep",  "hostname", "id",
                                   "ls", "sleep", "stat", "touch", "true"};

void write_single_map(pid_t, int process) {
  base::write_existing(process, "uid_map", base::concat("0 ", ::geteuid(), " 1"));
  base::write_existing(process, "setgroups", "deny");
  base::write_existing(process, "gid_map", base::concat("0 ", ::getegid(), " 1"));
}

SampleContainer::Result finish(runtime::CreatedInit& init, base::Pipe& pipe) {
  pipe.write_end.reset();
  runtime::wait_for_exec(init);
  SampleContainer::Result result;
  result.output = base::read_to_end(pipe.read_end.get(), max_output_bytes);
  result.code = init.process.wait().code;
  return result;
}

}  // namespace

SampleContainer::SampleContainer() : spec(runtime::example_spec(true)) {
  spec.process.terminal = false;
  spec.process.no_new_privileges = true;
  spec.root_readonly = false;
  root_ = base::make_directory(bundle_.fd(), "rootfs", 0755);
  const base::UniqueFd bin = base::make_directory(root_.get(), "bin", 0755);
  const std::string busybox = base::read_file(AT_FDCWD, "/bin/busybox", max_busybox_bytes);
  write_file("bin/busybox", busybox, 0755);
  for (const char* applet : applets)
    if (::symlinkat("busybox", bin.get(), applet) != 0) throw base::os_error("linking ", applet);
}

void SampleContainer::write_file(const std::string& name, const std::string& text, mode_t mode) {
  const base::UniqueFd file{::openat(root_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
  if (!file || ::fchmod(file.get(), mode) != 0) throw base::os_error("creating ", name);
  base::write_all(file.get(), text);
}

runtime::CreatedInit SampleContainer::start(const std::vector<std::string>& words) {
  spec.process.args = words;
  runtime::CreateRequest request{.spec = spec, .bundle = bundle_.path(), .rootfs = std::nullopt};
  request.write_id_maps = write_single_map;
  request.die_with_parent = true;
  if (adjust) adjust(request);
  runtime::CreatedInit init = runtime::create(request);
  runtime::wait_for_exec(init);
  return init;
}

runtime::CreatedInit SampleContainer::create(int start_fd) {
  runtime::CreateRequest request{.spec = spec, .bundle = bundle_.path(), .rootfs = std::nullopt};
  request.write_id_maps = write_single_map;
  request.die_with_parent = true;
  request.start_fd = start_fd;
  if (adjust) adjust(request);
  return runtime::create(request);
}

SampleContainer::Result SampleContainer::run(const std::string& script) {
  if (!script.empty()) spec.process.args = {"sh", "-c", script};
  base::Pipe pipe = base::make_pipe();
  runtime::CreateRequest request{.spec = spec, .bundle = bundle_.path(), .rootfs = std::nullopt};
  request.write_id_maps = write_single_map;
  request.die_with_parent = true;
  request.stdout_fd = request.stderr_fd = pipe.write_end.get();
  if (adjust) adjust(request);
  runtime::CreatedInit init = runtime::create(request);
  return finish(init, pipe);
}

SampleContainer::Result SampleContainer::exec(const runtime::CreatedInit& init, const std::vector<std::string>& words) {
  base::Pipe pipe = base::make_pipe();
  runtime::ExecRequest request{
      .init_pid = init.process.pid(), .init_pidfd = init.process.pidfd(), .process = spec.process};
  request.process.args = words;
  request.stdout_fd = request.stderr_fd = pipe.write_end.get();
  if (adjust_exec) adjust_exec(request);
  runtime::CreatedInit process = runtime::exec(request);
  return finish(process, pipe);
}

const std::string& why_no_containers() {
  static const std::string reason = [] {
    try {
      return SampleContainer{}.run("true").code == 0 ? std::string{} : std::string{"busybox does not run"};
    } catch (const base::Error& error) {
      return error.message();
    }
  }();
  return reason;
}
