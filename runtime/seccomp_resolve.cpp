#include <algorithm>
#include <optional>
#include <sys/utsname.h>
#include <utility>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"

// Docker's profile format: conditions by capability, architecture and kernel, and a map of architectures.
// Source: docs.docker.com "Seccomp security profiles"; containers/common pkg/seccomp.

namespace runtime {
namespace {

#if defined(__x86_64__)
constexpr std::string_view docker_architecture = "amd64";
#else
constexpr std::string_view docker_architecture = "arm64";
#endif

/// "5.10" or "5.10.3-foo" as a number that can be compared.
std::uint64_t kernel_version(std::string_view text) {
  std::uint64_t version = 0;
  const std::vector<std::string_view> fields = base::split(text, '.');
  for (std::size_t index = 0; index < 2; ++index) {
    std::string_view field = index < fields.size() ? fields[index] : "0";
    field = field.substr(0, field.find_first_not_of("0123456789"));
    version = version * 1000 + base::parse_unsigned(field).value_or(0);
  }
  return version;
}

bool kernel_is_at_least(const std::string& wanted) {
  utsname host{};
  ::uname(&host);
  return kernel_version(host.release) >= kernel_version(wanted);
}

bool has_capability(std::uint64_t capabilities, const std::string& name) {
  const std::optional<unsigned> number = capability_number(name);
  return number && (capabilities >> *number & 1) != 0;
}

bool names_our_architecture(const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), docker_architecture) != names.end();
}

bool is_included(const base::JsonAt& condition, std::uint64_t capabilities) {
  for (const std::string& name : condition.strings_or_empty("caps"))
    if (!has_capability(capabilities, name)) return false;
  const std::vector<std::string> architectures = condition.strings_or_empty("arches");
  if (!architectures.empty() && !names_our_architecture(architectures)) return false;
  const std::string kernel = condition.string_or("minKernel", "");
  return kernel.empty() || kernel_is_at_least(kernel);
}

bool is_excluded(const base::JsonAt& condition, std::uint64_t capabilities) {
  for (const std::string& name : condition.strings_or_empty("caps"))
    if (has_capability(capabilities, name)) return true;
  if (names_our_architecture(condition.strings_or_empty("arches"))) return true;
  const std::string kernel = condition.string_or("minKernel", "");
  return !kernel.empty() && kernel_is_at_least(kernel);
}

bool applies(const base::JsonAt& rule, std::uint64_t capabilities) {
  const std::optional<base::JsonAt> includes = rule.find("includes"), excludes = rule.find("excludes");
  return (!includes || is_included(*includes, capabilities)) && (!excludes || !is_excluded(*excludes, capabilities));
}

bool is_docker_format(const base::JsonAt& json) {
  if (json.has("archMap")) return true;
  const std::optional<base::JsonAt> rules = json.find("syscalls");
  if (!rules) return false;
  const std::vector<base::JsonAt> list = rules->array();
  return std::any_of(list.begin(), list.end(), [](const base::JsonAt& rule) {
    return rule.has("includes") || rule.has("excludes") || rule.has("name");
  });
}

/// A rule may have "name" instead of "names", as in the first profiles.
std::vector<SyscallRule> rules_of(const base::JsonAt& json) {
  if (!json.has("name")) return parse_syscall_rules(json);
  base::JsonWriter writer;
  writer.begin_object().member("names", std::vector<std::string>{json.at("name").string()});
  for (const char* key : {"action", "errnoRet", "args"})
    if (const std::optional<base::JsonAt> value = json.find(key)) writer.key(key).raw(value->dump());
  writer.end_object();
  return parse_syscall_rules(base::JsonAt::parse(writer.text(), "a rule of the seccomp profile"));
}

std::vector<std::string> architectures_of(const base::JsonAt& json) {
  std::vector<std::string> names = json.strings_or_empty("architectures");
  if (const std::optional<base::JsonAt> map = json.find("archMap"))
    for (const base::JsonAt& entry : map->array()) {
      if (entry.at("architecture").string() != native_architecture().name) continue;
      names.push_back(entry.at("architecture").string());
      for (std::string& name : entry.strings_or_empty("subArchitectures")) names.push_back(std::move(name));
    }
  return names;
}

}  // namespace

std::string resolve_profile_json(std::string_view profile_json, const std::vector<std::string>& capabilities) {
  const base::JsonAt json = base::JsonAt::parse(profile_json, "the seccomp profile");
  if (!is_docker_format(json)) return std::string{profile_json};
  const std::uint64_t bits = capability_bits(capabilities);
  SeccompProfile profile;
  profile.default_action = parse_seccomp_action(json, "defaultAction", "defaultErrnoRet");
  profile.architectures = architectures_of(json);
  if (const std::optional<base::JsonAt> rules = json.find("syscalls"))
    for (const base::JsonAt& rule : rules->array())
      if (applies(rule, bits))
        for (SyscallRule& parsed : rules_of(rule)) profile.rules.push_back(std::move(parsed));
  parse_seccomp_flags(json, profile);
  return write_seccomp(profile);
}

}  // namespace runtime
