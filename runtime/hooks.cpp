#include "runtime/hooks.hpp"

#include <chrono>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "base/process.hpp"

namespace runtime {
namespace {

// A file rather than a pipe: a hook that never reads its input blocks nobody, however long the annotations are.
base::UniqueFd open_for_reading(std::string_view state) {
  base::UniqueFd file{::memfd_create("state", MFD_CLOEXEC)};
  if (!file) throw base::os_error("making the standard input of a hook");
  base::write_all(file.get(), state);
  if (::lseek(file.get(), 0, SEEK_SET) != 0) throw base::os_error("rewinding the standard input of a hook");
  return file;
}

/// Nothing for a hook whose output is ours.
base::UniqueFd open_output(const std::string& file) {
  if (file.empty()) return {};
  base::UniqueFd output{::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0600)};
  if (!output) throw base::os_error("opening ", base::quoted(file), " for its output");
  return output;
}

base::Command command_of(const Hook& hook, int state, const base::UniqueFd& output, const base::UniqueFd& errors) {
  base::Command command{.path = hook.path, .argv = hook.args, .env = hook.env, .fds = {{state, STDIN_FILENO}}};
  if (output) command.fds.emplace_back(output.get(), STDOUT_FILENO);
  if (errors) command.fds.emplace_back(errors.get(), STDERR_FILENO);
  if (command.argv.empty()) command.argv = {hook.path};
  command.die_with_parent = true;  // who waits for it will undo everything
  return command;
}

void run_hook(const Hook& hook, std::string_view state) {
  const base::UniqueFd input = open_for_reading(state);
  const base::UniqueFd output = open_output(hook.stdout_file);
  const base::UniqueFd errors = open_output(hook.stderr_file);
  base::Child child = base::spawn(command_of(hook, input.get(), output, errors));
  std::optional<base::ExitStatus> status;
  if (hook.timeout_seconds)
    status = child.wait_for(std::chrono::seconds{*hook.timeout_seconds});
  else
    status = child.wait();
  if (!status)  // killed when `child` goes
    throw base::make_error(base::ErrorKind::internal, "took longer than its time-out of ", *hook.timeout_seconds, " s");
  if (status->signalled) throw base::make_error(base::ErrorKind::internal, "was ended by signal ", status->code - 128);
  if (status->code != 0) throw base::make_error(base::ErrorKind::internal, "ended with status ", status->code);
}

void run_named_hook(const Hook& hook, std::string_view point, std::string_view state) {
  base::with_context([&] { run_hook(hook, state); }, point, " hook ", base::quoted(hook.path));
}

}  // namespace

std::string hook_state(const HookContainer& container, pid_t pid, std::string_view status) {
  base::JsonWriter json;
  json.begin_object();
  json.member("ociVersion", container.oci_version).member("id", container.id).member("status", status);
  json.member("pid", static_cast<int>(pid)).member("bundle", container.bundle);
  if (!container.annotations.empty()) json.member("annotations", container.annotations);
  json.end_object();
  return json.take();
}

void run_hooks(const std::vector<Hook>& hooks, std::string_view point, std::string_view state) {
  for (const Hook& hook : hooks) run_named_hook(hook, point, state);
}

void run_hooks_leniently(const std::vector<Hook>& hooks, std::string_view point, std::string_view state) noexcept {
  for (const Hook& hook : hooks) {
    try {
      run_named_hook(hook, point, state);
    } catch (const std::exception& error) {
      base::log(base::LogLevel::warn, error.what());
    }
  }
}

}  // namespace runtime
