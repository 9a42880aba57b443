#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/systemd/creation.hpp"
#include "cmd/systemd/store_words.hpp"

namespace cmd {
namespace {

struct GenerateWords {
  engine::GenerateSystemdOptions options;
  std::optional<bool> create_new;
  std::string container, format;
  bool files = false, no_header = false;
};

std::string current_directory() {
  char* path = ::get_current_dir_name();
  if (path == nullptr) throw base::os_error("looking up the current directory");
  const std::unique_ptr<char, void (*)(void*)> owner{path, ::free};
  return path;
}

/// Into the current directory, as podman does. Returns the path.
std::string write_unit(const engine::GeneratedUnit& unit, mode_t callers_umask) {
  const std::string folder = current_directory();
  const base::UniqueFd dir = base::open_directory(AT_FDCWD, folder);
  ::umask(callers_umask);
  base::write_file_atomically(dir.get(), unit.file_name, unit.text, base::Durability::volatile_, 0644);
  return base::concat(folder, folder == "/" ? "" : "/", unit.file_name);
}

void settle(GenerateWords& words) {
  if (!words.format.empty() && words.format != "json")
    throw base::make_error(base::ErrorKind::invalid_argument, "unknown --format argument: ", words.format)
        .with_hint("json");
  if (words.options.is_template && words.create_new == false)
    throw base::make_error(base::ErrorKind::invalid_argument, "--template cannot be set with --new=false");
  words.options.header = !words.no_header;
  words.options.create_new = words.create_new.value_or(words.options.is_template);
}

int generate(Invocation& invocation, GenerateWords& words) {
  settle(words);
  const engine::GeneratedUnit unit = engine::generate_systemd(invocation.engine(), words.container, words.options,
                                                              store_words(invocation.globals), take_creation_apart);
  if (!unit.warning.empty()) print_warning(unit.warning);
  const std::string shown = words.files ? write_unit(unit, invocation.program.callers_umask) : unit.text;
  if (words.format == "json") {
    base::JsonWriter json{1};
    json.begin_object().member(unit.name, shown).end_object();
    print_line(json.text());
  } else if (words.files) {
    print_line(shown);
  } else {
    print(shown);
  }
  return 0;
}

}  // namespace

Action declare_generate_systemd(OptionTable& table) {
  const auto words = std::make_shared<GenerateWords>();
  engine::GenerateSystemdOptions& options = words->options;
  table.list("after", 0, "UNIT", options.after, "Start after this unit as well");
  table.text("container-prefix", 0, "PREFIX", options.container_prefix, "What the unit's name begins with");
  table.list("env", 'e', "NAME=VALUE", options.env,
             "Environment of the unit; NAME alone is copied, NAME* all that begin so");
  table.flag("files", 'f', words->files, "Write the unit to a file in the current directory");
  table.text("format", 0, "FORMAT", words->format, "json, or nothing");
  table.flag("name", 'n', options.use_name, "Name the unit, and the container in it, by name and not by id");
  table.flag("new", 0, words->create_new, "Make a container at each start, by the command line that made this one");
  table.flag("no-header", 0, words->no_header, "Leave out what made the unit, and when");
  table.known("pod-prefix", 0, OptionKind::text, Treatment::ignored);
  table.list("requires", 0, "UNIT", options.requires_units, "Require this unit");
  table.text("restart-policy", 0, "POLICY", options.restart_policy, "When systemd restarts the container")
      .defaults_to("on-failure, or what the container's own policy says");
  table.number("restart-sec", 0, "SECONDS", &options.restart_seconds, "How long to wait before a restart");
  table.text("separator", 0, "TEXT", options.separator, "What stands between prefix and name");
  table.number("start-timeout", 0, "SECONDS", &options.start_timeout_seconds, "How long a start may take");
  table.number("stop-timeout", 't', "SECONDS", &options.stop_timeout_seconds, "How long to wait before killing")
      .defaults_to("the container's stop timeout");
  table.number("time", 0, "SECONDS", &options.stop_timeout_seconds, "Same as --stop-timeout").hide();
  table.flag("template", 0, options.is_template, "Make a template, for instances by systemd; implies --new");
  table.list("wants", 0, "UNIT", options.wants, "Start this unit as well");
  table.word("CONTAINER", words->container, "Name or id; the beginning of an id is enough").completes =
      Completes::containers;
  return [words](Invocation& invocation) { return generate(invocation, *words); };
}

}  // namespace cmd
