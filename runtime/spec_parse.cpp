#include <algorithm>

#include "base/json.hpp"
#include "runtime/seccomp_embedded.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec_linux.hpp"
#include "runtime/spec_text.hpp"

// Source of every field: runtime-spec config.md. Unknown properties are ignored, as config.md "Extensibility" demands;
// known properties with values that we cannot honour are errors.

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::size_t max_hostname_bytes = 64;  // __NEW_UTS_LEN
// Of SemVer 2.0.0, "Backus–Naur Form Grammar".
bool is_number(std::string_view text) {
  return !text.empty() && (text == "0" || text.front() != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_pre_release(std::string_view text) {
  const auto parts = base::split(text, '.');
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    const bool has_digits_only = std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_identifier(part) && (!has_digits_only || is_number(part));
  });
}

bool is_semantic_version(std::string_view text) {
  if (const auto build = base::split_once(text, '+')) {
    const auto parts = base::split(build->second, '.');
    if (!std::all_of(parts.begin(), parts.end(), is_identifier)) return false;
    text = build->first;
  }
  if (const auto pre_release = base::split_once(text, '-')) {
    if (!is_pre_release(pre_release->second)) return false;
    text = pre_release->first;
  }
  const auto numbers = base::split(text, '.');
  return numbers.size() == 3 && std::all_of(numbers.begin(), numbers.end(), is_number);
}

// Within one major version every document is for every runtime.
void check_version(const JsonAt& json) {
  const std::string version = json.string();
  if (!is_semantic_version(version)) throw json.error("is not a version such as \"1.0.2\"");
  if (!version.starts_with("1."))
    throw json.error(base::concat("is ", base::quoted(version), ": only version 1 is known"));
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
  require_object(json);
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
  if (const auto mappings = json.find("uidMappings")) mount.uid_mappings = parse_id_mappings(*mappings);
  if (const auto mappings = json.find("gidMappings")) mount.gid_mappings = parse_id_mappings(*mappings);
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
    throw json.error("has only one of uidMappings and gidMappings");
  return mount;
}

std::vector<Mount> parse_mounts(const JsonAt& json) {
  std::vector<Mount> mounts;
  for (const JsonAt& entry : json.array()) {
    mounts.push_back(parse_mount(entry));
    if (mounts.size() > max_mounts) throw json.error(base::concat("has more than ", max_mounts, " entries"));
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

Spec parse_spec(std::string_view json_text, std::string what) {
  const ShortenedConfig shorter = take_out_built_in_profile(json_text);
  if (!shorter.profile.empty()) json_text = shorter.json;
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
  if (const auto linux_part = json.find("linux")) spec.linux = parse_linux(*linux_part, shorter.profile);
  check_names(json, spec);
  return spec;
}

bool has_namespace(const Spec& spec, std::string_view type) {
  return std::any_of(spec.linux.namespaces.begin(), spec.linux.namespaces.end(),
                     [&](const Namespace& entry) { return entry.type == type; });
}

}  // namespace runtime
