#include "engine/doctor.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "engine/abandoned.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"
#include "storage/images.hpp"

namespace engine {
namespace {

using base::concat;

constexpr std::chrono::milliseconds script_limit{60'000};

std::vector<Diagnosis> examine_host(const HostView& host) {
  std::vector<Diagnosis> findings;
  for (const HostCheck& check : host_checks())
    findings.push_back({std::string{check.id}, std::string{check.title}, run_check(check, host)});
  return findings;
}

bool is_own_work(const Engine& engine, const CheckResult& result) {
  return result.status != CheckStatus::ok && !result.script.empty() && (!result.needs_root || engine.host.uid == 0);
}

/// Why the script failed; empty: it did not.
std::string run_script(const std::string& script) {
  base::Command command{.path = "/bin/sh", .argv = {"sh", "-euc", script}};
  command.null_stdin = true;
  const base::Output output = base::run_and_capture(command, script_limit);
  if (output.status.code == 0) return "";
  return output.err.empty() ? concat("exit code ", output.status.code) : std::string{base::trim(output.err)};
}

void fix_what_can_be(Engine& engine, const HostView& host, DoctorReport& report) {
  for (Diagnosis& finding : report.findings) {
    if (!is_own_work(engine, finding.result)) continue;
    const std::string problem = run_script(finding.result.script);
    const std::vector<HostCheck> checks = host_checks();
    const auto check =
        std::find_if(checks.begin(), checks.end(), [&](const auto& one) { return one.id == finding.id; });
    finding.result = run_check(*check, host);
    if (finding.result.status == CheckStatus::ok)
      report.fixed.push_back(finding.id);
    else
      report.not_fixed.push_back(concat(finding.id, ": ", problem.empty() ? "it did not help" : problem));
  }
}

// ---- of a container

Diagnosis state_finding(const Observed& observed) {
  const storage::ContainerState& state = observed.state;
  if (observed.is_running() || state.status == "created")
    return {"container-state", "state", {.evidence = state.status}};
  CheckResult result{
      .status = state.exit_code == 0 ? CheckStatus::ok : CheckStatus::warning,
      .evidence = concat(state.status, ", exit code ", state.exit_code, state.error.empty() ? "" : ": " + state.error)};
  if (state.oom_killed) {
    result.consequence = "the kernel killed it: it needed more memory than its limit";
    result.remedy = "engine update --memory SIZE, or run it with a larger --memory";
  } else if (state.exit_code == 127 || state.exit_code == 126) {
    result.consequence = "its command was not found, or could not be executed";
    result.remedy = "engine inspect shows Cmd and Entrypoint; engine run -it --entrypoint sh IMAGE looks inside";
  } else if (state.exit_code != 0) {
    result.consequence = "its program failed";
    result.remedy = "engine logs shows what it said";
  }
  return {"container-state", "state", result};
}

Diagnosis image_finding(Engine& engine, const storage::ContainerRecord& record) {
  if (record.manifest.empty()) return {"container-image", "image", {.evidence = concat("--rootfs ", record.rootfs)}};
  if (storage::read_image(engine.store(), base::Digest::parse(record.manifest)))
    return {"container-image", "image", {.evidence = record.image_name}};
  return {"container-image",
          "image",
          {.status = CheckStatus::warning,
           .evidence = concat(record.image_name, " is not recorded any more"),
           .consequence = "the container still starts; commit does not",
           .remedy = "engine system check --repair"}};
}

/// Sources of bind mounts that are gone: the most usual reason why a container does not start again.
Diagnosis mounts_finding(const storage::ContainerDir& container) {
  const runtime::Spec spec =
      runtime::parse_spec(storage::read_config_json(container, runtime::max_spec_bytes), "config.json");
  for (const runtime::Mount& mount : spec.mounts)
    if (mount.type == "bind" && mount.source.starts_with("/") && !base::exists(AT_FDCWD, mount.source))
      return {"container-mounts",
              "mounts",
              {.status = CheckStatus::problem,
               .evidence = concat(mount.source, ", to be mounted on ", mount.destination, ", is not there"),
               .consequence = "the container does not start",
               .remedy = concat("mkdir -p ", mount.source)}};
  return {"container-mounts", "mounts", {.evidence = "everything that it mounts is there"}};
}

std::vector<Diagnosis> examine_container(Engine& engine, const std::string& name) {
  const storage::ContainerDir container = require_container(engine, name);
  const storage::ContainerRecord record = storage::read_record(container);
  const Observed observed = observe(container, engine.host.boot_id);
  std::vector<Diagnosis> findings{state_finding(observed), image_finding(engine, record), mounts_finding(container)};
  if (observed.is_running() && !observed.monitored)
    findings.push_back({"container-monitor",
                        "monitor",
                        {.status = CheckStatus::warning,
                         .evidence = "nobody watches it: its monitor was killed",
                         .consequence = "its exit code will not be known, and its output is not logged",
                         .remedy = concat("engine restart ", name)}});
  return findings;
}

}  // namespace

bool DoctorReport::has_problem() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Diagnosis& one) { return one.result.status == CheckStatus::problem; });
}

std::string root_script_of(const std::vector<Diagnosis>& findings) {
  std::string script;
  for (const Diagnosis& finding : findings) {
    const CheckResult& result = finding.result;
    if (result.status == CheckStatus::ok || !result.needs_root || result.script.empty()) continue;
    const std::string block = concat("# ", finding.id, ": ", result.evidence, '\n', result.script, '\n');
    if (script.find('\n' + result.script + '\n') == std::string::npos) script += block;
  }
  return script.empty() ? script : "#!/bin/sh\nset -e\n" + script;
}

DoctorReport examine(Engine& engine, const DoctorOptions& options) {
  DoctorReport report;
  if (!options.container.empty()) {
    report.findings = examine_container(engine, options.container);
    return report;
  }
  const HostView host = view_of_host(engine);
  report.findings = examine_host(host);
  if (options.fix) fix_what_can_be(engine, host, report);
  report.root_script = root_script_of(report.findings);
  return report;
}

}  // namespace engine
