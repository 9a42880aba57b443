#include "engine/new_record.hpp"

#include <climits>
#include <cstdlib>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/signals.hpp"
#include "engine/detach_keys.hpp"
#include "engine/external_runtime.hpp"
#include "engine/names.hpp"
#include "engine/network.hpp"
#include "engine/process_of_image.hpp"
#include "engine/published_ports.hpp"
#include "engine/start_cgroup.hpp"
#include "engine/watch_words.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

std::string words_as_json(const std::vector<std::string>& words) {
  base::JsonWriter json;
  json.value(words);
  return json.take();
}

std::vector<std::pair<std::string, std::string>> all_labels(const RunOptions& options, const oci::ImageConfig& image) {
  Environment labels;  // the same rule: a later value replaces an earlier one
  for (const auto& [name, value] : image.labels) labels.set(name, value);
  // Which unit auto-update restarts is not for an image to say.
  labels.unset("PODMAN_SYSTEMD_UNIT");
  const auto unit = rootless::environment("PODMAN_SYSTEMD_UNIT");
  if (unit && !unit->empty()) labels.set("PODMAN_SYSTEMD_UNIT", *unit);
  for (const std::string& word : options.labels) {
    const auto pair = base::split_once(word, '=');
    labels.set(pair ? pair->first : std::string_view{word}, pair ? pair->second : std::string_view{});
  }
  std::vector<std::pair<std::string, std::string>> result;
  for (const std::string& assignment : labels.assignments()) {
    const auto pair = base::split_once(assignment, '=');
    result.emplace_back(pair->first, pair->second);
  }
  return result;
}

}  // namespace

std::string absolute_path(const char* what, const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) throw base::os_error(what, " ", quoted(path));
  return resolved;
}

storage::ContainerRecord make_record(Engine& engine, const RunOptions& options, const oci::ImageConfig& image,
                                     const std::string& network) {
  storage::ContainerRecord record;
  record.id = base::random_hex(32);
  if (!options.name.empty()) check_container_name(options.name);
  record.name = options.name.empty() ? random_container_name() : options.name;
  record.created = base::format_rfc3339(base::now());
  record.command = container_command(options, image);
  record.entrypoint_words = container_entrypoint(options, image).size();
  record.labels = all_labels(options, image);
  record.user = options.user.empty() ? image.user : options.user;
  record.network = network;
  if (const auto peer = network_peer(engine, network))
    record.ports = storage::read_record(*peer).ports;
  else
    choose_ports(record, options, image.exposed_ports);
  record.hostname = options.hostname.empty() ? record.id.substr(0, 12) : options.hostname;
  if (options.ipc == "private" || options.ipc == "none" || options.ipc == "host") record.ipc = options.ipc;
  record.cgroups = cgroups_mode_of_new(engine.config, options);
  record.cgroup_parent = options.cgroup_parent;
  record.runtime = runtime_of_new(engine.config);
  if (!record.runtime.empty()) record.runtime_flags = engine.config.runtime_flags;
  record.auto_remove = options.auto_remove;
  record.tty = options.tty;
  record.open_stdin = options.interactive;
  record.privileged = options.privileged;
  record.init = options.init;
  record.read_only = options.read_only;
  record.log_driver = choose_log_driver(options, engine.config);
  record.stop_timeout_seconds = options.stop_timeout.value_or(engine.config.stop_timeout_seconds);
  record.detach_keys = options.detach_keys.value_or(engine.config.detach_keys);
  parse_detach_keys(record.detach_keys);  // refused now rather than when somebody attaches
  record.security_opt = options.security_opt;
  record.add_hosts = options.add_hosts;
  record.group_add = options.group_add;
  record.dns = options.dns;
  record.dns_search = options.dns_search;
  record.dns_option = options.dns_option;
  if (!options.cidfile.empty()) record.cidfile = absolute_path("container id file", options.cidfile);
  record.create_command = words_as_json(options.command_line);
  const std::string stop_signal = options.stop_signal.empty() ? image.stop_signal : options.stop_signal;
  if (!stop_signal.empty()) {
    const auto number = base::parse_signal(stop_signal);
    if (!number) throw make_error(ErrorKind::invalid_argument, "unknown stop signal ", quoted(stop_signal));
    record.stop_signal = *number;
  }
  return record;
}

void add_image(storage::ContainerRecord& record, const ImageForRun& image) {
  record.image_name = image.name;
  record.image_id = std::string{image.record.config.hex()};
  record.manifest = image.record.manifest.text();
  for (const base::Digest& chain : image.record.chain_ids) record.chain_ids.push_back(chain.text());
}

}  // namespace engine
