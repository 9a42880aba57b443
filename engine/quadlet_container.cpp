#include "base/text.hpp"
#include "engine/quadlet_draft.hpp"
#include "engine/unit_words.hpp"

// [Container]: a service whose main process watches the container.

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

/// Also in the service's own terms, so that instances of a template have each their own.
std::string own_name(const QuadletDraft& draft) {
  if (const auto name = draft.last("ContainerName")) return *name;
  return draft.unit.base_name().find('@') != std::string::npos ? "systemd-%p_%i" : "systemd-%N";
}

bool is_oneshot(const QuadletDraft& draft) {
  const auto type = draft.unit.file.last("Service", "Type");
  if (type && *type != "notify" && *type != "oneshot")
    throw make_error(ErrorKind::invalid_argument, place_of(*draft.unit.file.last_line("Service", "Type")),
                     ": Type= is notify or oneshot, not ", base::quoted(*type));
  return type == "oneshot";
}

void check_kill_mode(const QuadletDraft& draft) {
  const auto mode = draft.unit.file.last("Service", "KillMode");
  if (mode && *mode != "mixed" && *mode != "control-group")
    throw make_error(ErrorKind::invalid_argument, place_of(*draft.unit.file.last_line("Service", "KillMode")),
                     ": KillMode= is mixed or control-group, not ", base::quoted(*mode));
}

/// Source and destination of Mount=, where they name files of ours or are relative.
std::string mount_words(QuadletDraft& draft, const UnitLine& line) {
  std::string type;
  std::vector<std::string> words;
  for (const std::string_view word : base::split(line.value, ',')) {
    words.emplace_back(word);
    if (word.starts_with("type=")) type = word.substr(5);
  }
  for (std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    if (!pair || (pair->first != "source" && pair->first != "src")) continue;
    std::string source{pair->second};
    if ((type == "volume" && source.ends_with(".volume")) || (type == "image" && source.ends_with(".image")) ||
        (type == "image" && source.ends_with(".build")))
      source = draft.require(line, source).resource_name();
    if ((type == "bind" || type == "glob") && source.starts_with('.')) source = draft.absolute(source);
    word = concat(pair->first, '=', source);
  }
  return base::join(words, ",");
}

void append_devices(const QuadletDraft& draft, std::vector<std::string>& words) {
  for (const UnitLine* line : draft.all("AddDevice")) {
    std::string_view device = line->value;
    if (device.starts_with('-')) {
      device.remove_prefix(1);
      if (!draft.around.exists(std::string{device.substr(0, device.find(':'))})) continue;
    }
    words.push_back(concat("--device=", device));
  }
}

void append_user(const QuadletDraft& draft, std::vector<std::string>& words) {
  const auto user = draft.last("User"), group = draft.last("Group");
  if (group && !user)
    throw make_error(ErrorKind::invalid_argument, place_of(*draft.unit.file.last_line("Container", "Group")),
                     ": Group= needs User=");
  if (user) words.push_back(concat("--user=", *user, group ? ":" : "", group.value_or("")));
}

void append_pod(QuadletDraft& draft, std::vector<std::string>& words) {
  const UnitLine* line = draft.unit.file.last_line("Container", "Pod");
  if (line == nullptr || line->value.empty()) return;
  if (!line->value.ends_with(".pod"))
    throw make_error(ErrorKind::invalid_argument, place_of(*line), ": Pod= is a file such as \"web.pod\", not ",
                     base::quoted(line->value));
  const auto pod = draft.units.find(line->value);
  if (pod == draft.units.end())
    throw make_error(ErrorKind::invalid_argument, place_of(*line), ": Pod=: there is no file ",
                     base::quoted(line->value));
  const std::string service = pod->second.service_name() + ".service";
  draft.add("Unit", "BindsTo", service);
  draft.add("Unit", "After", service);
  words.push_back(concat("--pod=", pod->second.resource_name()));
}

/// sd_notify of the monitor, of the container, or of its health checks.
std::string notify_mode(const QuadletDraft& draft) {
  const auto value = draft.last("Notify");
  if (value == "healthy") return "healthy";
  return draft.boolean("Notify", false) ? "container" : "conmon";
}

void append_image(QuadletDraft& draft, std::vector<std::string>& words) {
  const UnitLine* image = draft.unit.file.last_line("Container", "Image");
  const auto rootfs = draft.last("Rootfs");
  const bool has_image = image != nullptr && !image->value.empty();
  if (has_image && rootfs)
    throw make_error(ErrorKind::invalid_argument, place_of(*image), ": Image= and Rootfs= exclude each other");
  if (!has_image && !rootfs)
    throw make_error(ErrorKind::invalid_argument, draft.unit.path, ": [Container] needs Image= or Rootfs=");
  if (rootfs) words.insert(words.end(), {"--rootfs", draft.absolute(*rootfs)});
  if (has_image) words.push_back(draft.image(*image));
}

void append_exec(const QuadletDraft& draft, std::vector<std::string>& words) {
  const UnitLine* line = draft.unit.file.last_line("Container", "Exec");
  if (line == nullptr) return;
  at_line(*line, [&] {
    for (std::string& word : split_unit_words(line->value, UnknownEscape::refused)) words.push_back(std::move(word));
  });
}

void add_reload(QuadletDraft& draft, const std::string& name) {
  const auto command = draft.last("ReloadCmd"), signal = draft.last("ReloadSignal");
  if (command && signal)
    throw make_error(ErrorKind::invalid_argument, place_of(*draft.unit.file.last_line("Container", "ReloadSignal")),
                     ": ReloadSignal= and ReloadCmd= exclude each other");
  if (signal) draft.add_command("ExecReload", {"kill", "--signal", *signal, name});
  if (!command) return;
  std::vector<std::string> words{"exec", name};
  at_line(*draft.unit.file.last_line("Container", "ReloadCmd"), [&] {
    for (std::string& word : split_unit_words(*command, UnknownEscape::refused)) words.push_back(std::move(word));
  });
  draft.add_command("ExecReload", words);
}

}  // namespace

void draft_container(QuadletDraft& draft) {
  const bool oneshot = is_oneshot(draft);
  check_kill_mode(draft);
  const std::string name = own_name(draft);
  const std::string cgroups = draft.last("CgroupsMode").value_or("split");
  std::vector<std::string> words{"run", "--name", name, "--replace", "--rm", concat("--cgroups=", cgroups)};
  if (!oneshot) words.insert(words.end(), {concat("--sdnotify=", notify_mode(draft)), "-d"});
  for (std::string& word : draft.options()) words.push_back(std::move(word));
  append_user(draft, words);
  append_devices(draft, words);
  draft.append_networks(words, true);
  draft.append_volumes(words);
  for (const UnitLine* line : draft.all("Mount")) words.push_back(concat("--mount=", mount_words(draft, *line)));
  append_pod(draft, words);
  for (std::string& word : draft.arguments()) words.push_back(std::move(word));
  append_image(draft, words);
  append_exec(draft, words);

  draft.add("Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
  draft.service.add_default("Service", "KillMode", "mixed");
  if (cgroups == "split") draft.service.add_default("Service", "Delegate", "yes");
  draft.service.add_default("Service", "SyslogIdentifier", "%N");
  if (!oneshot) {
    draft.service.add_default("Service", "Type", "notify");
    draft.service.add_default("Service", "NotifyAccess", "all");
  }
  draft.add_command("ExecStart", words);
  draft.add_command("ExecStop", {"stop", "-i", name});  // our rm -f gives the program no time to end by itself
  draft.add_command("ExecStopPost", {"rm", "-v", "-f", "-i", name}, "-");
  add_reload(draft, name);
}

}  // namespace engine
