#include <limits>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_state.hpp"
#include "engine/oci_id_maps.hpp"

// state.json, and the state as other programs read it.

namespace cmd {
namespace {

constexpr unsigned state_version = 2;

constexpr std::pair<runtime::CgroupManager, std::string_view> manager_names[] = {
    {runtime::CgroupManager::cgroupfs, "cgroupfs"},
    {runtime::CgroupManager::systemd, "systemd"},
    {runtime::CgroupManager::disabled, "disabled"},
};

std::string_view name_of(runtime::CgroupManager manager) {
  for (const auto& [value, name] : manager_names)
    if (value == manager) return name;
  return "disabled";
}

runtime::CgroupManager manager_of(const base::JsonAt& json) {
  const std::string word = json.string();
  for (const auto& [value, name] : manager_names)
    if (name == word) return value;
  throw json.error("is not a cgroup manager");
}

void write_cgroup(base::JsonWriter& json, const runtime::CgroupRecord& cgroup) {
  json.key("cgroup").begin_object();
  json.member("manager", name_of(cgroup.manager)).member("unified", cgroup.unified).member("scope", cgroup.scope);
  json.member("userRuntimeDir", cgroup.user_runtime_dir).member("legacy", cgroup.legacy);
  if (!cgroup.delegated.empty()) json.member("delegated", cgroup.delegated);
  if (cgroup.is_planned) json.member("planned", true);
  json.key("inodes").begin_object();
  for (const auto& [path, inode] : cgroup.inodes) json.member(path, inode);
  json.end_object().end_object();
}

runtime::CgroupRecord parse_cgroup(const base::JsonAt& json) {
  runtime::CgroupRecord cgroup{.manager = manager_of(json.at("manager")),
                               .unified = json.at("unified").string(),
                               .legacy = json.at("legacy").string_map(),
                               .scope = json.at("scope").string(),
                               .user_runtime_dir = json.string_or("userRuntimeDir", ""),
                               .delegated = json.string_or("delegated", ""),
                               .is_planned = json.boolean_or("planned", false),
                               .inodes = {}};
  if (const auto inodes = json.find("inodes"))
    for (const auto& [path, inode] : inodes->members()) cgroup.inodes.emplace_back(path, inode.unsigned_integer());
  return cgroup;
}

void write_rdt(base::JsonWriter& json, const runtime::RdtRecord& rdt) {
  json.key("rdt").begin_object().member("group", rdt.group).member("ours", rdt.is_ours);
  json.member("monitorGroup", rdt.monitor_group).end_object();
}

runtime::RdtRecord parse_rdt(const base::JsonAt& json) {
  return {.group = json.at("group").string(),
          .is_ours = json.at("ours").boolean(),
          .monitor_group = json.at("monitorGroup").string()};
}

void write_process(base::JsonWriter& json, std::string_view key, const base::ProcessIdentity& process) {
  json.key(key).begin_object();
  json.member("pid", static_cast<int>(process.pid)).member("startTime", process.start_time);
  json.member("inode", process.inode).end_object();
}

base::ProcessIdentity parse_process(const base::JsonAt& json) {
  const std::uint64_t pid = json.at("pid").unsigned_integer();
  if (pid > std::numeric_limits<pid_t>::max()) throw json.at("pid").error("is not a process number");
  return {.pid = static_cast<pid_t>(pid),
          .start_time = json.at("startTime").unsigned_integer(),
          .inode = json.at("inode").unsigned_integer()};
}

}  // namespace

std::string write_oci_state(const OciState& state) {
  base::JsonWriter json;
  json.begin_object();
  json.member("version", state_version).member("ociVersion", state.oci_version).member("id", state.id);
  json.member("creating", state.is_creating);
  write_process(json, "process", state.process);
  write_process(json, "maker", state.maker);
  json.member("bundle", state.bundle).member("annotations", state.annotations);
  json.member("rootfs", state.rootfs).member("created", state.created).member("owner", state.owner);
  json.member("command", state.command).member("cwd", state.cwd);
  json.member("poststart", state.has_poststart).member("poststop", state.has_poststop);
  write_cgroup(json, state.cgroup);
  if (!state.rdt.group.empty()) write_rdt(json, state.rdt);
  json.end_object();
  if (json.text().size() > max_oci_state_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, "the state of container ", base::quoted(state.id),
                           " would have ", json.text().size(), " bytes, more than ", max_oci_state_bytes)
        .with_hint("shorten the annotations of config.json");
  return json.take();
}

OciState parse_oci_state(std::string_view text, const std::string& id) {
  const auto json =
      base::JsonAt::parse(text, base::concat("state of ", base::quoted(id)), {.max_bytes = max_oci_state_bytes});
  if (json.at("version").unsigned_integer() != state_version) throw json.at("version").error("is of another engine");
  if (json.at("id").string() != id) throw json.at("id").error("is not the name of its folder");
  OciState state{.id = json.at("id").string(),
                 .oci_version = json.at("ociVersion").string(),
                 .bundle = json.at("bundle").string(),
                 .is_creating = json.boolean_or("creating", false),
                 .process = parse_process(json.at("process")),
                 .maker = parse_process(json.at("maker")),
                 .created = json.at("created").string(),
                 .owner = static_cast<std::uint32_t>(json.at("owner").unsigned_integer()),
                 .rootfs = json.at("rootfs").string(),
                 .annotations = {},
                 .cgroup = {},
                 .rdt = {},
                 .command = json.at("command").string(),
                 .cwd = json.at("cwd").string(),
                 .has_poststart = json.boolean_or("poststart", false),
                 .has_poststop = json.boolean_or("poststop", false)};
  if (const auto annotations = json.find("annotations")) state.annotations = annotations->string_map();
  if (const auto cgroup = json.find("cgroup")) state.cgroup = parse_cgroup(*cgroup);
  if (const auto rdt = json.find("rdt")) state.rdt = parse_rdt(*rdt);
  return state;
}

std::string oci_state_json(const OciContainer& container, int indent) {
  const OciState& state = container.state;
  const std::string status = status_of(container);
  base::JsonWriter json{indent};
  json.begin_object();
  json.member("ociVersion", state.oci_version).member("id", state.id).member("status", status);
  json.member("pid", status == "stopped" ? 0 : static_cast<int>(state.process.pid)).member("bundle", state.bundle);
  if (!state.annotations.empty()) json.member("annotations", state.annotations);
  json.member("rootfs", state.rootfs).member("created", state.created);
  json.member("owner", engine::oci_user_name(state.owner));
  json.end_object();
  return json.take();
}

runtime::HookContainer hook_container(const OciState& state) {
  return {.oci_version = state.oci_version, .id = state.id, .bundle = state.bundle, .annotations = state.annotations};
}

}  // namespace cmd
