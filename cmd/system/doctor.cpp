#include "engine/doctor.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using base::concat;

constexpr int exit_problem = 1;

struct Words {
  engine::DoctorOptions options;
  std::string format;
  std::vector<std::string> containers;
  bool json = false;
  bool all = false;
};

std::string indented(const std::string& text) {
  std::string out;
  for (const std::string_view line : base::split(text, '\n')) out += concat(out.empty() ? "" : "\n            ", line);
  return out;
}

std::string text_of(const engine::Diagnosis& finding) {
  const engine::CheckResult& result = finding.result;
  std::string text =
      concat(engine::name_of(result.status), ": ", finding.title, ": ", result.evidence, " [", finding.id, "]\n");
  if (!result.consequence.empty()) text += concat("  so:       ", result.consequence, '\n');
  if (!result.remedy.empty()) text += concat("  remedy:   ", indented(result.remedy), '\n');
  return text;
}

std::string text_of(const engine::DoctorReport& report, bool all) {
  std::string text;
  std::size_t good = 0;
  for (const engine::Diagnosis& finding : report.findings) {
    const bool is_good = finding.result.status == engine::CheckStatus::ok;
    good += is_good ? 1 : 0;
    if (all || !is_good) text += text_of(finding);
  }
  for (const std::string& id : report.fixed) text += concat("fixed: ", id, '\n');
  for (const std::string& line : report.not_fixed) text += concat("not fixed: ", line, '\n');
  text += concat(good, " of ", report.findings.size(), " checks are good.\n");
  if (!report.root_script.empty()) text += concat("\nWhat only root can do, as one script:\n\n", report.root_script);
  return text;
}

std::string json_of(const engine::DoctorReport& report) {
  base::JsonWriter json{4};
  json.begin_object().key("Checks").begin_array();
  for (const engine::Diagnosis& finding : report.findings) {
    const engine::CheckResult& result = finding.result;
    json.begin_object().member("Id", finding.id).member("Title", finding.title);
    json.member("Status", engine::name_of(result.status)).member("Evidence", result.evidence);
    json.member("Consequence", result.consequence).member("Remedy", result.remedy).member("Script", result.script);
    json.member("NeedsRoot", result.needs_root).end_object();
  }
  json.end_array().member("Fixed", report.fixed).member("NotFixed", report.not_fixed);
  json.member("RootScript", report.root_script).end_object();
  return json.take();
}

int doctor(Invocation& invocation, Words& words) {
  if (words.containers.size() > 1)
    throw base::make_error(base::ErrorKind::invalid_argument, "doctor looks at one container, or at the host");
  if (!words.containers.empty()) words.options.container = words.containers.front();
  const bool is_json = parse_format(words.format) == Format::json || words.json;
  const engine::DoctorReport report = engine::examine(invocation.engine(), words.options);
  print(is_json ? json_of(report) + "\n" : text_of(report, words.all));
  return report.has_problem() ? exit_problem : 0;
}

}  // namespace

Action declare_doctor(OptionTable& table) {
  const auto words = std::make_shared<Words>();
  table.flag("all", 'a', words->all, "Show the good findings, too");
  table.flag("fix", 0, words->options.fix, "Do what needs no root, and print the rest as one script");
  declare_plain_format_option(table, words->format);
  table.flag("json", 0, words->json, "As --format json");
  table.words("CONTAINER", words->containers, 0, "Look at this container instead of the host").completes =
      Completes::containers;
  return [words](Invocation& invocation) { return doctor(invocation, *words); };
}

}  // namespace cmd
