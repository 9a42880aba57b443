#include "engine/security.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.hpp"
#include "runtime/capability_names.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

// podman's defaults (containers.conf "default_capabilities").
constexpr std::array default_capabilities{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID", "CAP_KILL",       "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP", "CAP_SETGID",       "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
};

constexpr std::array default_masked_paths{
    "/proc/acpi",       "/proc/kcore",       "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/interrupts", "/sys/firmware",     "/sys/fs/selinux",   "/sys/devices/virtual/powercap",
};

constexpr std::array default_readonly_paths{
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

std::string capability_name(const std::string& word) {
  std::string name = word;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (!name.starts_with("CAP_")) name.insert(0, "CAP_");
  if (!runtime::capability_number(name))
    throw make_error(ErrorKind::invalid_argument, "unknown capability ", quoted(word))
        .with_hint("capabilities(7) lists the names");
  return name;
}

bool is_all(const std::string& word) {
  return base::to_lower(word) == "all";
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void resolve_capabilities(Security& security, const RunOptions& options,
                          const std::optional<std::vector<std::string>>& configured) {
  auto& set = security.capabilities = default_capability_names(configured);
  if (options.privileged) set = all_capabilities();
  if (std::any_of(options.cap_drop.begin(), options.cap_drop.end(), is_all)) set.clear();
  if (std::any_of(options.cap_add.begin(), options.cap_add.end(), is_all)) set = all_capabilities();
  for (const std::string& word : options.cap_add) {
    if (is_all(word)) continue;
    const std::string name = capability_name(word);
    if (!contains(set, name)) set.push_back(name);
    security.added.push_back(name);
  }
  for (const std::string& word : options.cap_drop) {
    if (is_all(word)) continue;
    const std::string name = capability_name(word);
    if (contains(security.added, name))
      throw make_error(ErrorKind::invalid_argument, "capability ", quoted(name), " cannot be both dropped and added");
    std::erase(set, name);
  }
  if (std::any_of(options.cap_add.begin(), options.cap_add.end(), is_all)) security.added = set;
}

void unmask(Security& security, std::string_view paths) {
  for (const std::string_view path : base::split(paths, ':')) {
    const bool all = path == "ALL";
    std::erase_if(security.masked_paths, [&](const std::string& masked) { return all || masked == path; });
    std::erase_if(security.readonly_paths, [&](const std::string& masked) { return all || masked == path; });
  }
}

void mask(Security& security, std::string_view paths) {
  for (const std::string_view path : base::split(paths, ':')) {
    if (!path.starts_with('/'))
      throw make_error(ErrorKind::invalid_argument, "--security-opt mask: ", quoted(path), " is not an absolute path");
    security.masked_paths.emplace_back(path);
  }
}

void apply_security_opt(Security& security, const std::string& option) {
  const std::size_t cut = option.find_first_of("=:");
  const std::string name = option.substr(0, cut);
  const std::string value = cut == std::string::npos ? "" : option.substr(cut + 1);
  if (name == "seccomp") {
    security.seccomp = value != "unconfined";
    security.seccomp_file = security.seccomp && value != "builtin" && value != "default" ? value : "";
    if (value.empty())
      throw make_error(ErrorKind::invalid_argument, "--security-opt seccomp needs a path or \"unconfined\"");
  } else if (name == "no-new-privileges") {
    if (!value.empty() && value != "true" && value != "false")
      throw make_error(ErrorKind::invalid_argument, "--security-opt no-new-privileges is true or false, not ",
                       quoted(value));
    security.no_new_privileges = value != "false";
  } else if (name == "apparmor") {
    security.apparmor = value == "unconfined" ? "" : value;
  } else if (name == "label") {
    // SELinux is not there to be told; podman ignores labels on such hosts, too.
  } else if (name == "mask") {
    mask(security, value);
  } else if (name == "unmask") {
    unmask(security, value);
  } else if (name == "systempaths" && value == "unconfined") {
    unmask(security, "ALL");
  } else {
    throw make_error(ErrorKind::invalid_argument, "unknown --security-opt ", quoted(option))
        .with_hint("known: seccomp=, no-new-privileges, apparmor=, label=, mask=, unmask=, systempaths=unconfined");
  }
}

}  // namespace

std::vector<std::string> all_capabilities() {
  const std::uint64_t known = runtime::kernel_capability_bits();
  std::vector<std::string> names;
  for (std::string& name : runtime::all_capability_names())
    if ((known >> *runtime::capability_number(name)) & 1) names.push_back(std::move(name));
  return names;
}

std::vector<std::string> default_capability_names(const std::optional<std::vector<std::string>>& configured) {
  if (!configured) return {default_capabilities.begin(), default_capabilities.end()};
  std::vector<std::string> names;
  base::with_context(
      [&] { std::transform(configured->begin(), configured->end(), std::back_inserter(names), capability_name); },
      "default_capabilities of containers.conf");
  return names;
}

Security resolve_security(const RunOptions& options, const std::optional<std::vector<std::string>>& configured) {
  Security security;
  resolve_capabilities(security, options, configured);
  if (!options.privileged) {
    security.masked_paths.assign(default_masked_paths.begin(), default_masked_paths.end());
    security.readonly_paths.assign(default_readonly_paths.begin(), default_readonly_paths.end());
  }
  security.seccomp = !options.privileged;
  for (const std::string& option : options.security_opt) apply_security_opt(security, option);
  return security;
}

bool is_taken_away(const RunOptions& options, const std::string& capability) {
  return std::any_of(options.cap_drop.begin(), options.cap_drop.end(),
                     [&](const std::string& word) { return is_all(word) || capability_name(word) == capability; });
}

runtime::Capabilities capabilities_for(const Security& security, std::uint32_t uid) {
  runtime::Capabilities result;
  result.bounding = security.capabilities;
  if (uid == 0) {
    result.effective = result.permitted = security.capabilities;
  } else if (!security.added.empty()) {
    result.effective = result.permitted = result.ambient = security.added;
    result.inheritable = security.added;  // the kernel lets nothing be ambient that is not inheritable
  }
  return result;
}

}  // namespace engine
