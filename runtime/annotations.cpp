#include "runtime/annotations.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {
namespace {

using base::ErrorKind;

base::Error bad(std::string_view key, std::string_view problem) {
  return base::make_error(ErrorKind::invalid_argument, "annotation ", base::quoted(key), ' ', problem);
}

constexpr std::size_t max_cgroup_name_bytes = 255;

struct Refused {
  std::string_view key, instead;
};

constexpr Refused refused[] = {
    {"run.oci.handler", "programs run as they are, in no virtual machine and not as WebAssembly"},
    {"run.oci.seccomp.plugins", "linux.seccomp.listenerPath names an agent that decides instead"},
    {"run.oci.seccomp_bpf_data", "linux.seccomp says what the filter shall be"},
    {"run.oci.systemd.force_cgroup_v1", "systemd of the container must know cgroup version 2"},
};

void refuse_unsupported(const Spec& spec) {
  for (const Refused& entry : refused) {
    const std::string* value = find_annotation(spec.annotations, entry.key);
    if (value != nullptr && !value->empty())
      throw base::make_error(ErrorKind::unsupported, "annotation ", base::quoted(entry.key), " is not supported")
          .with_hint(std::string{entry.instead});
  }
}

bool is_absolute(const std::string& path) {
  return path.starts_with('/') && path.find('\0') == std::string::npos;
}

/// "CLOCK SECONDS NANOSECONDS" a line, as the kernel takes them. Source: time_namespaces(7).
std::vector<TimeOffset> parse_time_offsets(std::string_view key, std::string_view text) {
  constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
  std::vector<TimeOffset> offsets;
  for (const std::string_view line : base::split(base::trim(text), '\n')) {
    std::vector<std::string_view> words = base::split(line, ' ');
    std::erase(words, std::string_view{});
    if (words.size() != 3) throw bad(key, "is not CLOCK SECONDS NANOSECONDS");
    const std::string_view clock = words[0] == "1" ? "monotonic" : words[0] == "7" ? "boottime" : words[0];
    const auto seconds = base::parse_signed(words[1]);
    const auto nanoseconds = base::parse_signed(words[2]);
    if ((clock != "monotonic" && clock != "boottime") || !seconds || !nanoseconds || *nanoseconds < 0 ||
        *nanoseconds >= nanoseconds_per_second)
      throw bad(key, "is not CLOCK SECONDS NANOSECONDS");
    offsets.push_back({std::string{clock}, *seconds, static_cast<std::uint32_t>(*nanoseconds)});
  }
  return offsets;
}

void set_time_offsets(Spec& spec) {
  constexpr std::string_view key = "run.oci.timens_offset";
  const std::string* value = find_annotation(spec.annotations, key);
  if (value == nullptr) return;
  if (!spec.linux.time_offsets.empty()) throw bad(key, "and linux.timeOffsets say the same thing");
  if (!has_namespace(spec, "time")) throw bad(key, "needs a time namespace in linux.namespaces");
  spec.linux.time_offsets = parse_time_offsets(key, *value);
}

/// Where config.json names no agent, this is its socket. Source: seccomp_receiver in crun(1).
void set_seccomp_receiver(Spec& spec) {
  constexpr std::string_view key = "run.oci.seccomp.receiver";
  const std::string* value = find_annotation(spec.annotations, key);
  if (value == nullptr || spec.linux.seccomp_json.empty()) return;
  if (!is_absolute(*value)) throw bad(key, "is not an absolute path");
  const auto json = base::JsonAt::parse(spec.linux.seccomp_json, "linux.seccomp");
  if (json.find("listenerPath")) return;
  const std::size_t brace = spec.linux.seccomp_json.find('{');
  base::JsonWriter path;
  path.value(*value);
  const std::string_view comma = json.members().empty() ? "" : ",";
  spec.linux.seccomp_json.insert(brace + 1, base::concat("\"listenerPath\":", path.text(), comma));
}

void refuse_unknown_system_calls(const Spec& spec) {
  if (find_annotation(spec.annotations, "run.oci.seccomp_fail_unknown_syscall") == nullptr ||
      spec.linux.seccomp_json.empty())
    return;
  const SeccompProfile profile = parse_seccomp(base::JsonAt::parse(spec.linux.seccomp_json, "linux.seccomp"));
  for (const SyscallRule& rule : profile.rules)
    for (const std::string& name : rule.names)
      if (!syscall_number(native_architecture(), name))
        throw base::make_error(ErrorKind::corrupt, "linux.seccomp: ", base::quoted(name), " is no system call here")
            .with_hint("without the annotation run.oci.seccomp_fail_unknown_syscall it would be ignored");
}

/// Those that run beside us; the others are inside, where the path means another file.
void redirect_hooks(Spec& spec) {
  for (const auto& [key, member] :
       {std::pair{"run.oci.hooks.stdout", &Hook::stdout_file}, std::pair{"run.oci.hooks.stderr", &Hook::stderr_file}}) {
    const std::string* value = find_annotation(spec.annotations, key);
    if (value == nullptr) continue;
    if (!is_absolute(*value)) throw bad(key, "is not an absolute path");
    for (auto* hooks : {&spec.hooks.prestart, &spec.hooks.create_runtime, &spec.hooks.poststart, &spec.hooks.poststop})
      for (Hook& hook : *hooks) hook.*member = *value;
  }
}

void set_mount_context(Spec& spec) {
  constexpr std::string_view key = "run.oci.mount_context_type";
  constexpr std::string_view known[] = {"context", "fscontext", "defcontext", "rootcontext"};
  const std::string* value = find_annotation(spec.annotations, key);
  if (value == nullptr) return;
  if (std::find(std::begin(known), std::end(known), *value) == std::end(known))
    throw bad(key, "is not context, fscontext, defcontext or rootcontext");
  spec.linux.mount_label_option = *value;
}

std::string cgroup_name(const Spec& spec, std::string_view key) {
  const std::string* value = find_annotation(spec.annotations, key);
  if (value == nullptr) return {};
  const bool is_name =
      std::all_of(value->begin(), value->end(), [](char c) { return c > ' ' && c != '/' && c != 0x7f; });
  if (!is_name || *value == "." || *value == ".." || value->size() > max_cgroup_name_bytes)
    throw bad(key, "is not the name of a cgroup");
  return *value;
}

}  // namespace

std::vector<std::string> known_annotations() {
  return {"run.oci.delegate-cgroup",    "run.oci.hooks.stderr",
          "run.oci.hooks.stdout",       "run.oci.keep_original_groups",
          "run.oci.mount_context_type", "run.oci.pidfd_receiver",
          "run.oci.seccomp.receiver",   "run.oci.seccomp_fail_unknown_syscall",
          "run.oci.systemd.subgroup",   "run.oci.timens_offset"};
}

const std::string* find_annotation(const std::vector<std::pair<std::string, std::string>>& annotations,
                                   std::string_view key) {
  for (const auto& [name, value] : annotations)
    if (name == key) return &value;
  return nullptr;
}

void apply_annotations(Spec& spec) {
  const bool has_any = std::any_of(spec.annotations.begin(), spec.annotations.end(),
                                   [](const auto& entry) { return entry.first.starts_with("run.oci."); });
  if (!has_any) return;
  refuse_unsupported(spec);
  spec.process.user.keeps_groups = find_annotation(spec.annotations, "run.oci.keep_original_groups") != nullptr;
  set_time_offsets(spec);
  set_seccomp_receiver(spec);
  refuse_unknown_system_calls(spec);
  redirect_hooks(spec);
  set_mount_context(spec);
  spec.linux.systemd_subgroup = cgroup_name(spec, "run.oci.systemd.subgroup");
  spec.linux.delegated_cgroup = cgroup_name(spec, "run.oci.delegate-cgroup");
}

}  // namespace runtime
