#include "engine/external_runtime.hpp"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_log_bytes = 4 * 1024 * 1024;

bool is_built_in(const std::string& name) {
  return name.empty() || name == "builtin" || name == "engine";
}

bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

/// Empty: there is none.
std::string look_up(const Config& config, const std::string& name) {
  if (name.find('/') != std::string::npos) return name.front() == '/' && is_program(name) ? name : std::string{};
  const auto places = config.runtimes.find(name);
  if (places != config.runtimes.end())
    for (const std::string& path : places->second)
      if (path.starts_with('/') && is_program(path)) return path;
  return base::find_program(name).value_or("");
}

/// The message of the last line that tells of an error; crun, runc and runsc write the same three keys.
std::string last_error(const std::string& log) {
  std::string message;
  for (const std::string_view line : base::split(log, '\n')) {
    if (line.empty()) continue;
    try {
      const base::JsonAt entry = base::JsonAt::parse(line, "a line of the runtime's log");
      const std::string level = entry.string_or("level", "error");
      if (level == "error" || level == "fatal" || level == "panic") message = entry.string_or("msg", "");
    } catch (const base::Error&) {  // not the format that was asked for: its own words
      message = line;
    }
  }
  return base::sanitize_utf8(std::string{base::trim(message)});
}

/// Source: podman, libpod/oci_util.go, which looks for the same words.
ErrorKind kind_of_message(const std::string& message) {
  const std::string lower = base::to_lower(message);
  const bool is_missing = lower.find("no such file or directory") != std::string::npos ||
                          lower.find("executable file not found") != std::string::npos;
  return is_missing ? ErrorKind::command_not_found : ErrorKind::command_not_usable;
}

}  // namespace

std::string runtime_of_new(const Config& config) {
  if (is_built_in(config.runtime)) return {};
  find_external_runtime(config, config.runtime, {});
  return config.runtime;
}

ExternalRuntime find_external_runtime(const Config& config, const std::string& name,
                                      const std::vector<std::string>& flags) {
  ExternalRuntime runtime{.name = name, .path = look_up(config, name), .flags = {}};
  if (runtime.path.empty())
    throw make_error(ErrorKind::invalid_argument, "OCI runtime ", quoted(name), " was not found")
        .with_hint("install it, name its absolute path, or leave --runtime out for the built-in one");
  for (const std::string& flag : flags) runtime.flags.push_back(concat("--", flag));
  return runtime;
}

ExternalRuntime external_runtime_of(const Config& config, const storage::ContainerRecord& record) {
  ExternalRuntime runtime = find_external_runtime(config, record.runtime, record.runtime_flags);
  // gVisor has a network stack of its own, and must be told when there is nothing to connect it with.
  const bool is_plain = record.network == "none" || record.network == "host";
  if (program_name(runtime.path) == "runsc" && is_plain)
    runtime.flags.insert(runtime.flags.begin(), concat("--network=", record.network));
  return runtime;
}

std::string program_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool needs_root_inside(const std::string& program) {
  return program == "runc" || program == "runsc";
}

std::string version_of(const ExternalRuntime& runtime) {
  const base::Command command{.path = runtime.path, .argv = {runtime.path, "--version"}, .null_stdin = true};
  const base::Output output = base::run_and_capture(command, std::chrono::seconds{5});
  const auto line = base::split(output.out, '\n');
  return output.status.code != 0 || line.empty() ? std::string{} : base::sanitize_utf8(std::string{line.front()});
}

base::UniqueFd make_oci_folder(const storage::ContainerDir& container) {
  base::remove_tree(container.dir.get(), oci_folder);
  base::UniqueFd folder = base::make_directory(container.dir.get(), oci_folder, 0700);
  base::make_directory(folder.get(), oci_state, 0700);
  base::make_directory(folder.get(), oci_root, 0755);
  return folder;
}

base::UniqueFd open_oci_folder(const storage::ContainerDir& container) {
  return base::open_directory(container.dir.get(), oci_folder);
}

std::vector<std::string> external_call(const ExternalRuntime& runtime, const std::string& state,
                                       const std::string& log) {
  std::vector<std::string> words{runtime.path, concat("--root=", state), concat("--log=", log), "--log-format=json"};
  // The cgroup is ours: each of them is told to leave it alone, in its own words; runc does by itself without
  // cgroupsPath where it may not make one.
  if (program_name(runtime.path) == "crun") words.emplace_back("--cgroup-manager=disabled");
  if (program_name(runtime.path) == "runsc") words.emplace_back("--ignore-cgroups");
  words.insert(words.end(), runtime.flags.begin(), runtime.flags.end());
  return words;
}

std::vector<std::string> external_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (!variable.starts_with("NOTIFY_SOCKET=") && !variable.starts_with("LISTEN_")) result.emplace_back(variable);
  }
  return result;
}

base::Error external_error(const ExternalRuntime& runtime, int folder, const std::string& verb, int status) {
  const std::string message = last_error(base::try_read_file(folder, oci_log, max_log_bytes).value_or(""));
  const std::string name = program_name(runtime.path);
  if (message.empty())
    return make_error(ErrorKind::command_not_usable, "OCI runtime ", name, " ended with status ", status, " (", verb,
                      ")");
  return make_error(kind_of_message(message), name, ": ", message);
}

}  // namespace engine
