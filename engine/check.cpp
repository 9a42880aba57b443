#include "storage/check.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/abandoned.hpp"
#include "engine/inside_store.hpp"
#include "engine/reconcile.hpp"
#include "engine/repair.hpp"
#include "engine/upkeep.hpp"
#include "storage/containers.hpp"
#include "storage/prune_reachable.hpp"

// `engine system check`: what storage finds, what the trees of layers show from inside the user namespace, and what
// runs; then, when asked, engine/repair.cpp.

namespace engine {
namespace {

using storage::Finding;
using storage::Severity;

std::string differences_of(const DamagedLayer& layer) {
  std::string text = base::join(layer.first, "; ");
  const std::uint64_t more = layer.differences - layer.first.size();
  if (more > 0) text += base::concat("; and ", more, " more");
  return text;
}

/// Not about the store itself: a container that runs unwatched, and --rm containers whose command was killed.
void check_container(Engine& engine, const storage::ContainerDir& container, std::vector<Finding>& findings) {
  const storage::ContainerRecord record = storage::read_record(container);
  const std::string short_id = record.id.substr(0, 12);
  if (is_abandoned(container, record, engine.host.boot_id)) {
    findings.push_back({.severity = Severity::leftover,
                        .kind = "container-abandoned",
                        .object = record.id,
                        .message = base::concat("container ", short_id, " was made by a command that was killed"),
                        .remedy = "engine ps removes it",
                        .cure = storage::Cure::sweep});
    return;
  }
  const Observed observed = observe(container, engine.host.boot_id);
  if (observed.is_running() && !observed.monitored)
    findings.push_back({.severity = Severity::note,
                        .kind = "container-unwatched",
                        .object = record.id,
                        .message = base::concat(
                            "container ", short_id, " (", record.name,
                            ") runs, but its monitor is dead: its log ends here, and how it ends will not be known"),
                        .remedy = base::concat("engine stop ", short_id, ", then engine start ", short_id)});
}

void check_running(Engine& engine, std::vector<Finding>& findings) {
  for (const std::string& id : storage::peek_container_ids(engine.store())) {
    try {
      if (const auto container = storage::open_container(engine.store(), id))
        check_container(engine, *container, findings);
    } catch (const base::Error&) {  // a damaged record is a finding of storage's, and a removed container is none
    }
  }
}

storage::CheckRequest request_of(Engine& engine, const CheckOptions& options) {
  storage::CheckRequest request;
  request.variant = engine.variant();
  if (options.quick) request.depth = storage::CheckDepth::quick;
  if (!options.deep) return request;
  request.depth = storage::CheckDepth::deep;
  request.on_blob = [&engine](const base::Digest& blob, std::uint64_t) {
    engine.progress.note(base::concat("blob ", blob.short_hex()));
  };
  for (const DamagedLayer& layer : find_damaged_layers(engine))
    request.damaged_trees[base::Digest::parse(layer.chain)][layer.variant] = differences_of(layer);
  return request;
}

std::vector<Finding> look_once(Engine& engine, const CheckOptions& options) {
  std::vector<Finding> findings = storage::check_store(engine.store(), request_of(engine, options));
  const bool has_folders = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.cure == storage::Cure::make_folder;
  });
  if (has_folders) check_running(engine, findings);
  return findings;
}

std::string name_of(Severity severity) {
  switch (severity) {
    case Severity::damage:
      return "damage";
    case Severity::leftover:
      return "leftover";
    case Severity::note:
      break;
  }
  return "note";
}

bool is_among(const Finding& finding, const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& other) {
    return other.kind == finding.kind && other.object == finding.object && other.path == finding.path &&
           other.variant == finding.variant;
  });
}

void add(CheckReport& report, const Finding& finding, std::string outcome) {
  report.findings.push_back({.severity = name_of(finding.severity),
                             .kind = std::string{finding.kind},
                             .object = finding.object,
                             .message = finding.message,
                             .remedy = finding.remedy,
                             .outcome = std::move(outcome)});
}

bool has_damage(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::damage; });
}

/// Other commands go on meanwhile: an image whose layers had just been removed was being removed itself. Damage is what
/// is there at a second look, too.
std::vector<Finding> look(Engine& engine, const CheckOptions& options) {
  std::vector<Finding> findings = look_once(engine, options);
  if (!has_damage(findings)) return findings;
  const std::vector<Finding> again = look_once(engine, options);
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.severity == Severity::damage && !is_among(finding, again);
  });
  return findings;
}

/// What a repair of folders or records brings to light is repaired in another round.
constexpr int max_rounds = 3;

void check_one_store(Engine& engine, const CheckOptions& options, CheckReport& report) {
  std::vector<Finding> found = look(engine, options);
  std::vector<Finding> now = found;
  const auto is_curable = [](const Finding& finding) { return finding.cure != storage::Cure::none; };
  for (int round = 0; options.repair && round < max_rounds && std::any_of(now.begin(), now.end(), is_curable);
       ++round) {
    repair(engine, options, now, report.lost);
    const std::vector<Finding> before = std::move(now);
    now = look(engine, options);
    const bool is_new = std::any_of(now.begin(), now.end(), [&](const Finding& one) { return !is_among(one, before); });
    if (!is_new) break;
    for (const Finding& one : now)
      if (!is_among(one, found)) found.push_back(one);
  }
  for (const Finding& finding : found) {
    const bool remains = is_among(finding, now);
    add(report, finding, !options.repair ? "found" : remains ? "remains" : "repaired");
  }
  report.is_damaged = report.is_damaged || has_damage(now);
}

}  // namespace

CheckReport check_system(Engine& engine, const CheckOptions& options) {
  CheckReport report;
  check_one_store(engine, options, report);
  if (engine.config.image_store.empty()) return report;
  Engine of_images{config_for_images(engine.config), engine.host, engine.progress};
  check_one_store(of_images, options, report);
  return report;
}

}  // namespace engine
