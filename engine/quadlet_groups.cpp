#include "base/text.hpp"
#include "engine/quadlet_draft.hpp"

// [Pod] and [Kube]: services that hold several containers.

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

void append(std::vector<std::string>& words, std::vector<std::string> more) {
  for (std::string& word : more) words.push_back(std::move(word));
}

/// The containers that start and stop with the pod.
void add_members(QuadletDraft& draft) {
  for (const auto& [name, unit] : draft.units) {
    if (unit.format->kind != QuadletKind::container || unit.last("Pod") != draft.unit.file_name) continue;
    const QuadletDraft member{unit, draft.units, draft.around};
    if (!member.boolean("StartWithPod", true)) continue;
    draft.add("Unit", "Wants", unit.service_name() + ".service");
    draft.add("Unit", "Before", unit.service_name() + ".service");
  }
}

std::vector<std::string> yaml_files(const QuadletDraft& draft) {
  std::vector<std::string> paths;
  for (const UnitLine* line : draft.all("Yaml")) paths.push_back(draft.absolute(line->value));
  if (paths.empty()) throw make_error(ErrorKind::invalid_argument, draft.unit.path, ": [Kube] needs Yaml=");
  return paths;
}

void append_updates(const QuadletDraft& draft, std::vector<std::string>& words) {
  for (const UnitLine* line : draft.all("AutoUpdate")) {
    const auto parts = base::split_once(line->value, '/');
    const std::string key = parts ? concat("io.containers.autoupdate/", parts->first) : "io.containers.autoupdate";
    words.push_back(concat("--annotation=", key, '=', parts ? parts->second : std::string_view{line->value}));
  }
}

void set_working_directory(QuadletDraft& draft, const std::vector<std::string>& paths) {
  const UnitLine* line = draft.unit.file.last_line("Kube", "SetWorkingDirectory");
  if (line == nullptr || line->value.empty()) return;
  if (line->value != "unit" && (line->value != "yaml" || paths.size() != 1))
    throw make_error(ErrorKind::invalid_argument, place_of(*line),
                     ": SetWorkingDirectory= is unit, or yaml where there is one file");
  const std::string& path = line->value == "unit" ? draft.unit.path : paths.front();
  draft.service.add_default("Service", "WorkingDirectory", path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
}

}  // namespace

void draft_pod(QuadletDraft& draft) {
  const std::string name = draft.unit.resource_name();
  std::vector<std::string> words{"pod", "create", "--infra-conmon-pidfile=%t/%N.pid",
                                 concat("--exit-policy=", draft.last("ExitPolicy").value_or("stop")), "--replace"};
  append(words, draft.options());
  draft.append_networks(words, true);
  draft.append_volumes(words);
  append(words, draft.arguments());
  words.push_back(concat("--name=", name));
  add_members(draft);
  draft.add("Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
  draft.service.add_default("Service", "SyslogIdentifier", "%N");
  draft.service.add_default("Service", "Type", "forking");
  draft.service.add_default("Service", "Restart", "on-failure");
  draft.service.add_default("Service", "PIDFile", "%t/%N.pid");
  draft.add_command("ExecStartPre", words);
  draft.add_command("ExecStart", {"pod", "start", name});
  draft.add_command("ExecStop",
                    {"pod", "stop", "--ignore", concat("--time=", draft.last("StopTimeout").value_or("10")), name});
  draft.add_command("ExecStopPost", {"pod", "rm", "--ignore", "--force", name});
}

void draft_kube(QuadletDraft& draft) {
  const std::vector<std::string> paths = yaml_files(draft);
  std::vector<std::string> words{"kube", "play", "--replace", "--service-container=true"};
  if (const auto how = draft.last("ExitCodePropagation"))
    words.push_back(concat("--service-exit-code-propagation=", *how));
  append(words, draft.options());
  append_updates(draft, words);
  draft.append_networks(words, false);
  append(words, draft.arguments());
  append(words, paths);
  std::vector<std::string> down{"kube", "down"};
  if (draft.boolean("KubeDownForce", false)) down.emplace_back("--force");
  append(down, paths);
  set_working_directory(draft, paths);
  draft.add("Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
  draft.service.add_default("Service", "KillMode", "mixed");
  draft.service.add_default("Service", "SyslogIdentifier", "%N");
  draft.service.add_default("Service", "Type", "notify");
  draft.service.add_default("Service", "NotifyAccess", "all");
  draft.add_command("ExecStart", words);
  draft.add_command("ExecStopPost", down);
}

}  // namespace engine
