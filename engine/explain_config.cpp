#include "engine/explain_config.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"
#include "engine/container_defaults.hpp"
#include "engine/toml_file.hpp"
#include "storage/unpack_limits.hpp"

namespace engine {
namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;

struct KnownKey {
  std::string configuration;
  std::string key;
  std::string fallback;  ///< As TOML writes it.
};

std::vector<KnownKey> known_keys() {
  std::vector<KnownKey> keys{
      {"containers", "containers.cgroup_conf", "[]"},
      {"containers", "containers.cgroups", "\"enabled\""},
      {"containers", "containers.log_driver", "\"k8s-file\""},
      {"containers", "containers.log_size_max", "16777216"},
      {"containers", "containers.log_tag", "\"\""},
      {"containers", "containers.netns", "\"private\""},
      {"containers", "containers.pids_limit", "0"},
      {"containers", "containers.seccomp_profile", "\"\""},
      {"containers", "containers.userns", "\"host\""},
      {"containers", "engine.cgroup_manager", "\"\""},
      {"containers", "engine.compression_format", "\"\""},
      {"containers", "engine.compression_level", ""},
      {"containers", "engine.detach_keys", "\"ctrl-p,ctrl-q\""},
      {"containers", "engine.env", "[]"},
      {"containers", "engine.events_logfile_max_size", "\"1m\""},
      {"containers", "engine.events_logger", "\"file\""},
      {"containers", "engine.image_copy_tmp_dir", "\"\""},
      {"containers", "engine.image_default_format", "\"oci\""},
      {"containers", "engine.image_default_transport", "\"docker://\""},
      {"containers", "engine.image_parallel_copies", "6"},
      {"containers", "engine.pull_policy", "\"missing\""},
      {"containers", "engine.retry", "3"},
      {"containers", "engine.retry_delay", "\"\""},
      {"containers", "engine.runtime", "\"builtin\""},
      {"containers", "engine.runtimes", "{}"},
      {"containers", "engine.stop_timeout", "10"},
      {"containers", "network.default_rootless_network_cmd", "\"\""},
      {"engine", "mode.ids", "\"auto\""},
      {"engine", "mode.require", "[]"},
      {"engine", "mode.root_emulation", "true"},
      {"engine", "mode.without", "[]"},
      {"engine", "network.connect_timeout", "\"30s\""},
      {"engine", "network.first_byte_timeout", "\"120s\""},
      {"engine", "network.min_bytes_per_second", "256"},
      {"engine", "network.slow_timeout", "\"60s\""},
      {"engine", "pull.keep_blobs", "true"},
      {"engine", "userns.wait_below_entries", "10000"},
      {"registries", "aliases", "{}"},
      {"registries", "credential-helpers", "[]"},
      {"registries", "registry", "[]"},
      {"registries", "short-name-mode", "\"permissive\""},
      {"registries", "unqualified-search-registries", "[\"docker.io\"]"},
      {"storage", "storage.driver", "\"\""},
      {"storage", "storage.options.additionalimagestores", "[]"},
  };
  for (const std::string_view key : container_default_keys()) keys.push_back({"containers", std::string{key}, ""});
  const storage::UnpackLimits defaults;
  for (const storage::UnpackLimit& limit : storage::unpack_limits)
    keys.push_back({"engine", base::concat("unpack.", limit.name), base::concat(defaults.*limit.value)});
  std::stable_sort(keys.begin(), keys.end(), [](const KnownKey& one, const KnownKey& other) {
    return std::tie(one.configuration, one.key) < std::tie(other.configuration, other.key);
  });
  return keys;
}

/// "a.b.c" means itself, "c" alone, and each with "configuration:" in front.
bool is_meant(const KnownKey& known, std::string_view typed) {
  const std::string prefix = known.configuration + ":";
  if (typed.starts_with(prefix)) typed.remove_prefix(prefix.size());
  if (typed == known.key || base::concat(known.configuration, ".", known.key) == typed) return true;
  const std::size_t dot = known.key.rfind('.');
  return dot != std::string::npos && typed == std::string_view{known.key}.substr(dot + 1);
}

KnownKey find_known(std::string_view typed) {
  std::vector<KnownKey> found;
  for (KnownKey& known : known_keys()) {
    const bool is_other_configuration =
        typed.find(':') != std::string_view::npos && typed.substr(0, typed.find(':')) != known.configuration;
    if (!is_other_configuration && is_meant(known, typed)) found.push_back(std::move(known));
  }
  // An alias or another entry of a table is a key of the user's.
  if (found.empty() && typed.starts_with("aliases.")) return {"registries", std::string{typed}, ""};
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "no configuration has the key ", base::quoted(typed),
                           ", or it is not followed")
        .with_hint("engine config list shows all keys");
  std::vector<std::string> names;
  for (const KnownKey& known : found) names.push_back(base::concat(known.configuration, ":", known.key));
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(typed), " may be ", base::join(names, " or "));
}

std::vector<std::string> notes_on(const KnownKey& known) {
  if (known.configuration == "registries")
    return {"aliases that a user chose at a prompt (short-name-aliases.conf) come before those of these files"};
  if (known.key == "storage.driver") return {"--storage-driver and the variable STORAGE_DRIVER come before it"};
  if (known.key == "engine.pull_policy") return {"--pull of run and create comes before it"};
  if (known.key == "engine.image_parallel_copies") return {"it counts for what is sent: push, manifest push, copy"};
  if (known.key == "engine.compression_level")
    return {"it counts with --compression-format; --compression-level comes before it"};
  if (known.key == "engine.retry" || known.key == "engine.retry_delay")
    return {"--retry and --retry-delay come before it"};
  return {};
}

ExplainedKey explain(const rootless::HostFacts& host, const KnownKey& known) {
  ExplainedKey result{.configuration = known.configuration,
                      .key = known.key,
                      .value = known.fallback,
                      .winner = "default",
                      .files = {},
                      .notes = notes_on(known)};
  for (ConsideredFile& file : consider_config_files(known.configuration, config_folders(host))) {
    ExplainedFile explained{.file = std::move(file), .value = {}};
    if (explained.file.is_read) {
      const auto text = base::try_read_host_file(explained.file.path, max_file_bytes);
      if (text) explained.value = TomlFile::parse(*text, explained.file.path).shown(known.key);
    }
    result.files.push_back(std::move(explained));
  }
  const auto winner = std::find_if(result.files.rbegin(), result.files.rend(),
                                   [](const ExplainedFile& file) { return file.value.has_value(); });
  if (winner == result.files.rend()) return result;
  winner->wins = true;
  result.value = *winner->value;
  result.winner = winner->file.path;
  return result;
}

}  // namespace

ExplainedKey explain_config(const rootless::HostFacts& host, std::string_view key) {
  return explain(host, find_known(key));
}

std::vector<ExplainedKey> explain_all_config(const rootless::HostFacts& host) {
  std::vector<ExplainedKey> all;
  for (const KnownKey& known : known_keys()) all.push_back(explain(host, known));
  return all;
}

}  // namespace engine
