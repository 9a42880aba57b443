#include "engine/container_defaults.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

struct OptionKey {
  std::string_view key;
  std::string_view option;
  std::string_view gives_way_to;
  bool joins = false;
};

constexpr OptionKey option_keys[] = {
    {"containers.annotations", "annotation", "", true},
    {"containers.base_hosts_file", "hosts-file", "no-hosts"},
    {"containers.cgroupns", "cgroupns", ""},
    {"containers.default_ulimits", "ulimit", ""},
    {"containers.devices", "device", "", true},
    {"containers.dns_options", "dns-option", "", true},
    {"containers.dns_searches", "dns-search", "", true},
    {"containers.dns_servers", "dns", "", true},
    {"containers.env_host", "env-host", ""},
    {"containers.http_proxy", "http-proxy", ""},
    {"containers.init", "init", "pid|systemd"},
    {"containers.init_path", "init-path", ""},
    {"containers.ipcns", "ipc", ""},
    {"containers.mounts", "mount", "", true},
    {"containers.no_hosts", "no-hosts", "add-host|hosts-file"},
    {"containers.oom_score_adj", "oom-score-adj", ""},
    {"containers.pidns", "pid", ""},
    {"containers.privileged", "privileged", ""},
    {"containers.read_only", "read-only", ""},
    {"containers.shm_size", "shm-size", "ipc"},
    {"containers.tz", "tz", ""},
    {"containers.umask", "umask", ""},
    {"containers.utsns", "uts", "hostname"},
    {"containers.volumes", "volume", "", true},
    {"engine.cdi_spec_dirs", "cdi-spec-dir", ""},
    {"engine.image_volume_mode", "image-volume", ""},
};

/// A new value of a list, or the new one behind the old one.
void lay_over(std::vector<std::string>& list, std::vector<std::string> values, bool appends) {
  if (!appends) list.clear();
  list.insert(list.end(), std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
}

void apply_option(ContainerDefaults& defaults, const OptionKey& row, std::vector<std::string> values, bool appends,
                  const std::string& file) {
  auto known = std::find_if(defaults.options.begin(), defaults.options.end(),
                            [&](const ConfiguredOption& one) { return one.name == row.option; });
  if (known == defaults.options.end())
    known = defaults.options.insert(known, {.name = std::string{row.option},
                                            .values = {},
                                            .gives_way_to = row.gives_way_to,
                                            .joins = row.joins,
                                            .file = {}});
  lay_over(known->values, std::move(values), appends);
  known->file = file;
}

void apply_list(std::vector<std::string>& list, const TomlFile& file, std::string_view key) {
  if (auto values = file.texts(key)) lay_over(list, std::move(*values), file.appends(key));
}

constexpr std::string_view other_keys[] = {
    "containers.env",           "containers.default_capabilities", "containers.default_sysctls",
    "network.pasta_options",    "engine.network_cmd_options",      "engine.hooks_dir",
    "network.default_host_ips", "engine.helper_binaries_dir",      "containers.host_containers_internal_ip",
};

}  // namespace

void apply_container_defaults(ContainerDefaults& defaults, const TomlFile& file, const std::string& name) {
  for (const OptionKey& row : option_keys)
    if (auto values = file.texts(row.key); values && *values != std::vector<std::string>{""})
      apply_option(defaults, row, std::move(*values), file.appends(row.key), name);
  apply_list(defaults.environment, file, "containers.env");
  apply_list(defaults.sysctls, file, "containers.default_sysctls");
  for (const std::string& word : defaults.sysctls)
    if (!base::split_once(word, '='))
      throw base::make_error(base::ErrorKind::invalid_argument, name, ": default_sysctls ", base::quoted(word),
                             " is not NAME=VALUE");
  apply_list(defaults.host_ips, file, "network.default_host_ips");
  apply_list(defaults.hooks_dirs, file, "engine.hooks_dir");
  apply_list(defaults.pasta_options, file, "network.pasta_options");
  apply_list(defaults.slirp_options, file, "engine.network_cmd_options");
  apply_list(defaults.helper_dirs, file, "engine.helper_binaries_dir");
  if (auto names = file.texts("containers.default_capabilities")) {
    if (!defaults.capabilities) defaults.capabilities.emplace();
    lay_over(*defaults.capabilities, std::move(*names), file.appends("containers.default_capabilities"));
  }
  defaults.host_address = file.string("containers.host_containers_internal_ip").value_or(defaults.host_address);
}

void use_cdi_folders(ContainerDefaults& defaults, const std::vector<std::string>& folders) {
  if (folders.empty()) return;
  std::erase_if(defaults.options, [](const ConfiguredOption& one) { return one.name == "cdi-spec-dir"; });
  defaults.options.push_back({.name = "cdi-spec-dir", .values = folders, .gives_way_to = "", .file = "--cdi-spec-dir"});
}

std::vector<std::string> publish_at(const std::vector<std::string>& ips, const std::vector<std::string>& words) {
  if (ips.empty()) return words;
  std::vector<std::string> result;
  for (const std::string& word : words) {
    const auto colons = std::count(word.begin(), word.end(), ':');
    if (word.empty() || word.starts_with('[') || colons > 1) {
      result.push_back(word);
      continue;
    }
    for (const std::string& ip : ips) {
      const bool is_ipv6 = ip.find(':') != std::string::npos;
      result.push_back(base::concat(is_ipv6 ? "[" : "", ip, is_ipv6 ? "]:" : ":", colons == 0 ? ":" : "", word));
    }
  }
  return result;
}

std::vector<std::string_view> container_default_keys() {
  std::vector<std::string_view> keys(std::begin(other_keys), std::end(other_keys));
  for (const OptionKey& row : option_keys) keys.push_back(row.key);
  return keys;
}

}  // namespace engine
