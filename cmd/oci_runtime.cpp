#include "cmd/oci_runtime.hpp"

#include <cstdlib>
#include <fcntl.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "cmd/version.hpp"
#include "engine/oci_id_maps.hpp"

// runc's command line, which podman, containerd and conmon speak.

namespace cmd {
namespace {

const std::vector<OciOption> global_options = {
    {"root", '\0', true},    {"log", '\0', true},      {"log-format", '\0', true},      {"log-level", '\0', true},
    {"debug", '\0', false},  {"help", 'h', false},     {"systemd-cgroup", '\0', false}, {"cgroup-manager", '\0', true},
    {"version", 'v', false}, {"rootless", '\0', true},
};

const std::vector<OciOption> start_options = {
    {"bundle", 'b', true},        {"console-socket", '\0', true}, {"pid-file", '\0', true},
    {"preserve-fds", '\0', true}, {"no-pivot", '\0', false},      {"no-new-keyring", '\0', false},
    {"detach", 'd', false},       {"keep", '\0', false},          {"no-subreaper", '\0', false},
};

const std::vector<OciOption> exec_options = {
    {"process", 'p', true}, {"pid-file", '\0', true}, {"console-socket", '\0', true},
    {"detach", 'd', false}, {"tty", 't', false},      {"cwd", '\0', true},
    {"env", 'e', true},     {"user", 'u', true},      {"preserve-fds", '\0', true},
};

const OciVerb verbs[] = {
    {"create", "create [--bundle DIR] [--console-socket SOCKET] [--pid-file FILE] ID", start_options, false,
     oci_create},
    {"delete", "delete [--force] ID", {{"force", 'f', false}}, false, oci_delete},
    {"exec", "exec [--process FILE] [--tty] [--detach] ID [COMMAND…]", exec_options, true, oci_exec},
    {"features", "features", {}, false, oci_features},
    {"kill", "kill ID [SIGNAL]", {{"all", 'a', false}}, false, oci_kill},
    {"list", "list [--format table|json] [--quiet]", {{"format", 'f', true}, {"quiet", 'q', false}}, false, oci_list},
    {"run", "run [--bundle DIR] [--detach] [--pid-file FILE] ID", start_options, false, oci_run},
    {"spec", "spec [--bundle DIR] [--rootless]", {{"bundle", 'b', true}, {"rootless", '\0', false}}, false, oci_spec},
    {"start", "start ID", {}, false, oci_start},
    {"state", "state ID", {}, false, oci_state},
};

void print_usage() {
  print("usage: engine runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] VERB\n\n");
  for (const OciVerb& verb : verbs) print_line(base::concat("  ", verb.usage));
}

const OciVerb& find_verb(const std::string& name) {
  for (const OciVerb& verb : verbs)
    if (verb.name == name) return verb;
  throw base::make_error(base::ErrorKind::invalid_argument, "unknown verb ", base::quoted(name))
      .with_hint("see engine runtime --help");
}

/// What podman reads back: the last line of the file that --log names.
void write_log(const OciWords& globals, const base::Error& error) {
  const std::string path = globals.value_or("log", "");
  if (path.empty()) return;
  const base::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!file) return;  // the error itself matters more, and is printed in any case
  const std::string time = base::format_rfc3339(base::now());
  if (globals.value_or("log-format", "text") == "json") {
    base::JsonWriter json;
    json.begin_object().member("msg", error.message()).member("level", "error").member("time", time).end_object();
    base::write_all(file.get(), json.text() + "\n");
  } else {
    base::write_all(file.get(),
                    base::concat("time=\"", time, "\" level=error msg=", base::quoted(error.message()), "\n"));
  }
}

}  // namespace

const std::string& only_id(const OciWords& words) {
  if (words.words.size() != 1)
    throw base::make_error(base::ErrorKind::invalid_argument, "exactly one container id is needed, ",
                           words.words.size(), " words were given");
  return words.words.front();
}

int oci_runtime_main(const std::vector<std::string>& words) {
  const OciWords front = split_oci_words(global_options, words, true);
  if (front.has("version")) {
    print(base::concat("engine-runtime version ", version(), "\nspec: 1.0.2\n"));
    return 0;
  }
  if (front.words.empty() || front.has("help")) {
    print_usage();
    return front.has("help") ? 0 : 1;
  }
  if (front.has("debug")) base::set_log_level(base::LogLevel::debug);
  if (front.has("systemd-cgroup")) base::log(base::LogLevel::info, "--systemd-cgroup is ignored");
  try {
    const OciVerb& verb = find_verb(front.words.front());
    std::vector<OciOption> options = verb.options;
    options.push_back({"help", 'h', false});
    const OciWords rest = split_oci_words(options, {front.words.begin() + 1, front.words.end()}, verb.stop_at_word);
    if (rest.has("help")) {
      print_line(base::concat("usage: engine runtime ", verb.usage));
      return 0;
    }
    const auto root = front.value("root");
    return verb.run({.root = root ? *root : engine::oci_state_root()}, rest);
  } catch (const base::Error& error) {
    write_log(front, error);
    throw;
  }
}

}  // namespace cmd
