#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/upkeep.hpp"

namespace cmd {
namespace {

constexpr int exit_damaged = 1;

struct CheckWords {
  engine::CheckOptions options;
  std::string format;
};

std::string line_of(const engine::CheckFinding& finding) {
  const bool is_open = finding.outcome == "found" || finding.outcome == "remains";
  const std::string& label = finding.outcome == "repaired" ? finding.outcome : finding.severity;
  const std::string remedy = is_open && !finding.remedy.empty() ? base::concat(" [", finding.remedy, ']') : "";
  return base::concat(label, ": ", finding.message, remedy, '\n');
}

std::string summary_of(const engine::CheckReport& report) {
  std::size_t damaged = 0, leftovers = 0;
  for (const engine::CheckFinding& finding : report.findings) {
    if (finding.outcome == "repaired") continue;
    damaged += finding.severity == "damage" ? 1 : 0;
    leftovers += finding.severity == "leftover" ? 1 : 0;
  }
  if (damaged == 0 && leftovers == 0) return "The store is sound.\n";
  if (damaged == 0)
    return base::concat("The store is sound; ", leftovers, " leftover", leftovers == 1 ? "" : "s", ".\n");
  return base::concat("The store is damaged: ", damaged, " finding", damaged == 1 ? "" : "s", ".\n");
}

std::string json_of(const engine::CheckReport& report) {
  base::JsonWriter json{4};
  json.begin_object();
  json.member("Damaged", report.is_damaged);
  json.key("Findings").begin_array();
  for (const engine::CheckFinding& finding : report.findings) {
    json.begin_object();
    json.member("Severity", finding.severity).member("Kind", finding.kind).member("Object", finding.object);
    json.member("Message", finding.message).member("Remedy", finding.remedy).member("Outcome", finding.outcome);
    json.end_object();
  }
  json.end_array();
  json.member("Lost", report.lost);
  json.end_object();
  return json.take();
}

int check(Invocation& invocation, const CheckWords& words) {
  const Format format = parse_format(words.format);
  if (words.options.quick && words.options.deep)
    throw base::make_error(base::ErrorKind::invalid_argument, "--quick excludes --deep");
  if (words.options.force && !words.options.repair)
    throw base::make_error(base::ErrorKind::invalid_argument, "--force is for --repair");
  invocation.report_to(make_progress(ProgressStyle::automatic));
  const engine::CheckReport report = engine::check_system(invocation.engine(), words.options);
  if (format == Format::json) {
    print_line(json_of(report));
    return report.is_damaged ? exit_damaged : 0;
  }
  std::string text;
  for (const engine::CheckFinding& finding : report.findings) text += line_of(finding);
  for (const std::string& line : report.lost) text += line + "\n";
  print(text + summary_of(report));
  return report.is_damaged ? exit_damaged : 0;
}

}  // namespace

Action declare_system_check(OptionTable& table) {
  const auto words = std::make_shared<CheckWords>();
  engine::CheckOptions& options = words->options;
  table.flag("deep", 0, options.deep, "Read every file of every layer, and every compressed layer");
  table.flag("force", 'f', options.force,
             "With --repair: give up what cannot be had again now, and remove containers that need it");
  declare_plain_format_option(table, words->format);
  table.flag("quick", 'q', options.quick, "Only look whether everything is there");
  table.flag("repair", 'r', options.repair, "Mend what can be mended, and say what is lost");
  table.flag("repair-lossy", 0, options.force, "As --force").hide();
  table.known("max", 'm', OptionKind::text, Treatment::ignored);  // what is in use is known by locks, not by age
  declare_registry_options(table, options.tls_verify, options.auth_file, options.creds, options.cert_dir);
  return [words](Invocation& invocation) { return check(invocation, *words); };
}

Action declare_repair(OptionTable& table) {
  const auto options = std::make_shared<engine::RepairImageOptions>();
  table.list("blob", 0, "DIGEST", options->blobs, "Compressed layer to fetch again");
  table.list("from", 0, "REPOSITORY", options->repositories, "Where the image may be had");
  table.list("layer", 0, "CHAIN", options->layers, "Layer to unpack again");
  table.flag("record", 0, options->record, "Write the image record again");
  declare_registry_options(table, options->tls_verify, options->auth_file, options->creds, options->cert_dir);
  table.word("MANIFEST", options->manifest, "Digest of the image's manifest");
  return [options](Invocation& invocation) {
    invocation.report_to(make_progress(ProgressStyle::automatic));
    return invocation.program.transfer->repair_image(invocation.engine(), *options);
  };
}

}  // namespace cmd
