#include <algorithm>
#include <iterator>
#include <set>

#include "base/json.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec_linux.hpp"
#include "runtime/spec_text.hpp"

// Source of every field: runtime-spec config.md. Unknown properties are ignored, as config.md "Extensibility" demands;
// known properties with values that we cannot honour are errors.

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::size_t max_hostname_bytes = 64;  // __NEW_UTS_LEN
constexpr int lowest_oom_score = -1000;
constexpr int highest_oom_score = 1000;

constexpr std::string_view rlimit_names[] = {
    "RLIMIT_AS",      "RLIMIT_CORE",     "RLIMIT_CPU",        "RLIMIT_DATA",   "RLIMIT_FSIZE", "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",       "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS",
    "RLIMIT_RTPRIO",  "RLIMIT_RTTIME",   "RLIMIT_SIGPENDING", "RLIMIT_STACK",
};

void check_version(const JsonAt& json) {
  const std::string version = json.string();
  const auto parts = base::split(version, '.');
  if (parts.size() < 3 || !base::parse_unsigned(parts[0]) || !base::parse_unsigned(parts[1]))
    throw json.error("is not a version such as \"1.0.2\"");
  if (parts[0] != "1") throw json.error(base::concat("is ", base::quoted(version), ": only version 1 is known"));
}

std::vector<std::string> parse_capability_set(const JsonAt& json, std::string_view key) {
  std::vector<std::string> names;
  const auto set = json.find(key);
  if (!set) return names;
  for (const JsonAt& name : set->array()) {
    names.push_back(name.string());
    if (!names.back().starts_with("CAP_")) throw name.error("does not begin with CAP_");
  }
  return names;
}

Capabilities parse_capabilities(const JsonAt& json) {
  return {.bounding = parse_capability_set(json, "bounding"),
          .effective = parse_capability_set(json, "effective"),
          .inheritable = parse_capability_set(json, "inheritable"),
          .permitted = parse_capability_set(json, "permitted"),
          .ambient = parse_capability_set(json, "ambient")};
}

std::vector<Rlimit> parse_rlimits(const JsonAt& json) {
  std::vector<Rlimit> rlimits;
  std::set<std::string> seen;
  for (const JsonAt& entry : json.array()) {
    const JsonAt type = entry.at("type");
    Rlimit rlimit{.type = type.string(),
                  .soft = entry.at("soft").unsigned_integer(),
                  .hard = entry.at("hard").unsigned_integer()};
    if (std::find(std::begin(rlimit_names), std::end(rlimit_names), rlimit.type) == std::end(rlimit_names))
      throw type.error(base::concat("is ", base::quoted(rlimit.type), ", which is no resource limit"));
    if (!seen.insert(rlimit.type).second) throw type.error("stands twice");
    if (rlimit.soft > rlimit.hard) throw entry.at("soft").error("is above hard");
    rlimits.push_back(std::move(rlimit));
  }
  return rlimits;
}

User parse_user(const JsonAt& json) {
  User user;
  if (const auto uid = json.find("uid")) user.uid = id_of(*uid);
  if (const auto gid = json.find("gid")) user.gid = id_of(*gid);
  if (const auto umask = json.find("umask")) {
    const std::uint64_t bits = umask->unsigned_integer();
    if (bits > 0777) throw umask->error("has bits beyond 0777");
    user.umask = static_cast<std::uint32_t>(bits);
  }
  if (const auto groups = json.find("additionalGids"))
    for (const JsonAt& group : groups->array()) user.additional_gids.push_back(id_of(group));
  if (user.additional_gids.size() > max_additional_gids) throw json.at("additionalGids").error("has too many entries");
  return user;
}

ConsoleSize parse_console_size(const JsonAt& json) {
  ConsoleSize size;
  const std::uint64_t height = json.unsigned_or("height", 0);
  const std::uint64_t width = json.unsigned_or("width", 0);
  if (height > UINT16_MAX || width > UINT16_MAX) throw json.error("is larger than 65535");
  size.height = static_cast<unsigned>(height);
  size.width = static_cast<unsigned>(width);
  return size;
}

Hook parse_hook(const JsonAt& json) {
  Hook hook{.path = absolute_path_of(json.at("path"))};
  if (const auto args = json.find("args")) hook.args = args->strings();
  if (const auto env = json.find("env")) hook.env = env->strings();
  if (const auto timeout = json.find("timeout")) {
    const std::uint64_t seconds = timeout->unsigned_integer();
    if (seconds == 0 || seconds > INT32_MAX) throw timeout->error("is not a positive number of seconds");
    hook.timeout_seconds = static_cast<unsigned>(seconds);
  }
  return hook;
}

std::vector<Hook> parse_hook_list(const JsonAt& json, std::string_view key) {
  std::vector<Hook> hooks;
  const auto list = json.find(key);
  if (!list) return hooks;
  for (const JsonAt& hook : list->array()) hooks.push_back(parse_hook(hook));
  return hooks;
}

Hooks parse_hooks(const JsonAt& json) {
  return {.prestart = parse_hook_list(json, "prestart"),
          .create_runtime = parse_hook_list(json, "createRuntime"),
          .create_container = parse_hook_list(json, "createContainer"),
          .start_container = parse_hook_list(json, "startContainer"),
          .poststart = parse_hook_list(json, "poststart"),
          .poststop = parse_hook_list(json, "poststop")};
}

Mount parse_mount(const JsonAt& json) {
  Mount mount;
  const JsonAt destination = json.at("destination");
  mount.destination = destination.string();
  if (mount.destination.empty()) throw destination.error("is empty");
  if (has_dot_dot(mount.destination)) throw destination.error("contains \"..\"");
  // Relative destinations are deprecated and mean "below /". Source: config.md "Mounts".
  if (mount.destination.front() != '/') mount.destination.insert(0, 1, '/');
  if (const auto type = json.find("type")) mount.type = type->string();
  if (const auto source = json.find("source")) mount.source = source->string();
  if (const auto options = json.find("options")) mount.options = options->strings();
  for (const std::string_view key : {"uidMappings", "gidMappings"})
    if (json.has(key)) throw json.at(key).error("is not supported");
  return mount;
}

std::vector<Mount> parse_mounts(const JsonAt& json) {
  std::vector<Mount> mounts;
  std::set<std::string> destinations;
  for (const JsonAt& entry : json.array()) {
    mounts.push_back(parse_mount(entry));
    if (mounts.size() > max_mounts) throw json.error(base::concat("has more than ", max_mounts, " entries"));
    if (!destinations.insert(mounts.back().destination).second)
      throw entry.at("destination")
          .error(base::concat("is ", base::quoted(mounts.back().destination), " a second time"));
  }
  return mounts;
}

void parse_root(const JsonAt& json, Spec& spec) {
  spec.root_path = json.at("path").string();
  if (spec.root_path.empty()) throw json.at("path").error("is empty");
  spec.root_readonly = json.boolean_or("readonly", false);
}

std::string parse_host_name(const JsonAt& json) {
  std::string name = json.string();
  if (name.size() > max_hostname_bytes) throw json.error(base::concat("is longer than ", max_hostname_bytes, " bytes"));
  return name;
}

void parse_annotations(const JsonAt& json, Spec& spec) {
  for (auto& [key, value] : json.string_map()) {
    if (key.empty()) throw json.error("has an empty key");
    spec.annotations.emplace_back(std::move(key), std::move(value));
  }
}

void check_names(const JsonAt& json, const Spec& spec) {
  if (has_namespace(spec, "uts")) return;
  for (const std::string_view key : {"hostname", "domainname"})
    if (json.has(key) && !json.at(key).string().empty())
      throw json.at(key).error("needs a uts namespace, and linux.namespaces has none");
}

}  // namespace

Process parse_process(const JsonAt& json) {
  Process process;
  process.terminal = json.boolean_or("terminal", false);
  if (const auto size = json.find("consoleSize")) process.console_size = parse_console_size(*size);
  if (const auto user = json.find("user")) process.user = parse_user(*user);
  process.args = json.at("args").strings();
  if (process.args.empty()) throw json.at("args").error("is empty");
  if (process.args.front().empty()) throw json.at("args").error("begins with an empty word");
  if (const auto env = json.find("env")) process.env = env->strings();
  process.cwd = absolute_path_of(json.at("cwd"));
  if (const auto capabilities = json.find("capabilities")) process.capabilities = parse_capabilities(*capabilities);
  if (const auto rlimits = json.find("rlimits")) process.rlimits = parse_rlimits(*rlimits);
  process.no_new_privileges = json.boolean_or("noNewPrivileges", false);
  if (const auto profile = json.find("apparmorProfile")) process.apparmor_profile = profile->string();
  if (const auto label = json.find("selinuxLabel")) process.selinux_label = label->string();
  if (const auto score = json.find("oomScoreAdj")) {
    const std::int64_t value = score->integer();
    if (value < lowest_oom_score || value > highest_oom_score) throw score->error("is not between -1000 and 1000");
    process.oom_score_adj = static_cast<int>(value);
  }
  return process;
}

Spec parse_spec(std::string_view json_text, std::string what) {
  const JsonAt json = JsonAt::parse(json_text, std::move(what), {.max_bytes = max_spec_bytes, .max_depth = 64});
  if (!json.is_object()) throw json.error("is not an object");
  Spec spec;
  check_version(json.at("ociVersion"));
  spec.oci_version = json.at("ociVersion").string();
  parse_root(json.at("root"), spec);
  spec.has_process = json.has("process");
  if (spec.has_process) spec.process = parse_process(json.at("process"));
  if (const auto name = json.find("hostname")) spec.hostname = parse_host_name(*name);
  if (const auto name = json.find("domainname")) spec.domainname = parse_host_name(*name);
  if (const auto mounts = json.find("mounts")) spec.mounts = parse_mounts(*mounts);
  if (const auto hooks = json.find("hooks")) spec.hooks = parse_hooks(*hooks);
  if (const auto annotations = json.find("annotations")) parse_annotations(*annotations, spec);
  for (const std::string_view platform : {"windows", "solaris", "vm", "zos", "freebsd"})
    if (json.has(platform) && !json.has("linux")) throw json.at(platform).error("is for another platform");
  if (const auto linux_part = json.find("linux")) spec.linux = parse_linux(*linux_part);
  check_names(json, spec);
  return spec;
}

bool has_namespace(const Spec& spec, std::string_view type) {
  return std::any_of(spec.linux.namespaces.begin(), spec.linux.namespaces.end(),
                     [&](const Namespace& entry) { return entry.type == type; });
}

}  // namespace runtime
