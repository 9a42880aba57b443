#include "engine/journal.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace engine {

using base::concat;

namespace {

constexpr std::string_view priority_of_errors = "3";

/// A text, or its bytes as numbers.
std::string bytes_of(const base::JsonAt& json) {
  if (json.is_string()) return json.string();
  std::string text;
  for (const base::JsonAt& byte : json.array()) text.push_back(static_cast<char>(byte.unsigned_integer()));
  return text;
}

}  // namespace

std::optional<JournalLine> parse_journal_line(std::string_view text) {
  try {
    const base::JsonAt json = base::JsonAt::parse(text, "message of the journal");
    const auto microseconds = base::parse_unsigned(json.at("__REALTIME_TIMESTAMP").string());
    const auto message = json.find("MESSAGE");
    if (!microseconds || !message) return std::nullopt;
    JournalLine line;
    line.time = base::format_rfc3339(base::Time{std::chrono::microseconds{static_cast<std::int64_t>(*microseconds)}});
    line.is_stderr = json.string_or("PRIORITY", "") == priority_of_errors;
    line.is_partial = json.has("CONTAINER_PARTIAL_MESSAGE");
    line.text = bytes_of(*message);
    return line;
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

base::Command journal_command(const std::string& container_id, bool follow) {
  const auto program = base::find_program("journalctl");
  if (!program)
    throw base::make_error(base::ErrorKind::unsupported, "reading the log of the container needs journalctl")
        .with_hint("install systemd, or make the container with --log-driver k8s-file");
  base::Command command;
  command.path = *program;
  command.argv = {"journalctl",    "--quiet",
                  "--no-pager",    "--all",
                  "--output=json", follow ? "--follow" : "--no-tail",
                  "--lines=all",   concat("CONTAINER_ID_FULL=", container_id)};
  if (!follow) std::erase(command.argv, std::string{"--lines=all"});
  command.null_stdin = true;
  command.die_with_parent = true;
  return command;
}

}  // namespace engine
