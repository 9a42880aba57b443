#include <algorithm>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/process.hpp"
#include "cmd/oci_processes.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::chrono::seconds ps_limit{30};
constexpr std::size_t max_ps_bytes = 16 * 1024 * 1024;

void print_json(const std::vector<pid_t>& processes) {
  base::JsonWriter json;
  json.begin_array();
  for (const pid_t pid : processes) json.value(static_cast<int>(pid));
  json.end_array();
  print_line(json.text());
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (const std::string_view field : base::split(line, ' '))
    if (!field.empty()) fields.push_back(field);
  return fields;
}

/// The lines of ps for these processes, under its heading.
void print_lines_of(std::string_view text, const std::vector<pid_t>& processes) {
  const auto lines = base::split(text, '\n');
  const auto heading = fields_of(lines.front());
  const auto column = std::find(heading.begin(), heading.end(), "PID") - heading.begin();
  if (column == static_cast<std::ptrdiff_t>(heading.size()))
    throw make_error(ErrorKind::invalid_argument, "ps printed no column PID, by which processes are told")
        .with_hint("choose other options of ps, such as -ef");
  print_line(lines.front());
  for (const std::string_view line : lines) {
    const auto fields = fields_of(line);
    if (static_cast<std::ptrdiff_t>(fields.size()) <= column) continue;
    const auto pid = base::parse_unsigned(fields[static_cast<std::size_t>(column)]);
    if (pid && std::binary_search(processes.begin(), processes.end(), static_cast<pid_t>(*pid))) print_line(line);
  }
}

std::string run_ps(std::vector<std::string> options) {
  const auto program = base::find_program("ps");
  if (!program)
    throw make_error(ErrorKind::unsupported, "ps is not installed on this host").with_hint("--format json needs none");
  if (options.empty()) options.emplace_back("-ef");
  base::Command command{.path = *program, .argv = {"ps"}, .env = std::nullopt, .fds = {}};
  command.argv.insert(command.argv.end(), options.begin(), options.end());
  const base::Output output = base::run_and_capture(command, ps_limit, max_ps_bytes);
  if (output.status.code != 0) throw make_error(ErrorKind::invalid_argument, "ps failed: ", base::trim(output.err));
  return output.out;
}

}  // namespace

int oci_ps(const OciGlobals& globals, const OciWords& words) {
  const OciContainer container = find_oci_container(globals.root, words.words.front());
  const std::vector<pid_t> processes = container_processes(container);
  if (words.value_or("format", "table") == "json") {
    print_json(processes);
  } else {
    print_lines_of(run_ps({words.words.begin() + 1, words.words.end()}), processes);
  }
  return 0;
}

}  // namespace cmd
