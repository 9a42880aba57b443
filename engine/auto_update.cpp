#include "engine/auto_update.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "engine/images.hpp"
#include "engine/reconcile.hpp"
#include "engine/systemctl.hpp"
#include "engine/verbs.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::string_view policy_label = "io.containers.autoupdate";
constexpr std::string_view auth_label = "io.containers.autoupdate.authfile";
constexpr std::string_view unit_label = "PODMAN_SYSTEMD_UNIT";
constexpr std::chrono::minutes registry_patience{30};  // for a large image over a slow line

struct Candidate {
  storage::ContainerRecord record;
  AutoUpdated report;
  std::string auth_file;
};

std::string label_of(const storage::ContainerRecord& record, std::string_view name) {
  for (const auto& [key, value] : record.labels)
    if (key == name) return value;
  return {};
}

/// "image" is the older word for registry. Empty: none of these.
std::string policy_of(const storage::ContainerRecord& record) {
  const std::string policy = label_of(record, policy_label);
  if (policy == "image") return "registry";
  return policy == "registry" || policy == "local" ? policy : "";
}

std::vector<Candidate> candidates(Engine& engine, const AutoUpdateOptions& options) {
  std::vector<Candidate> found;
  for (const storage::ContainerDir& container : storage::list_containers(engine.store())) {
    const storage::ContainerRecord record = record_or_id(container);
    const std::string policy = policy_of(record);
    if (policy.empty() || !observe(container, engine.host.boot_id).is_running()) continue;
    Candidate one{record, {}, label_of(record, auth_label)};
    if (one.auth_file.empty()) one.auth_file = options.auth_file;
    one.report = {label_of(record, unit_label), record.id, record.name, record.image_name, policy, "false", ""};
    found.push_back(std::move(one));
  }
  return found;
}

/// Output of a command of engine-transfer on the same store.
std::string ask_transfer(const Engine& engine, const Candidate& of, const AutoUpdateOptions& options,
                         std::vector<std::string> words) {
  base::Command command{.path = own_program("engine-transfer"), .argv = {"engine"}, .null_stdin = true};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  for (std::string& word : words) command.argv.push_back(std::move(word));
  if (!of.auth_file.empty()) command.argv.push_back(concat("--authfile=", of.auth_file));
  if (options.tls_verify) command.argv.push_back(concat("--tls-verify=", *options.tls_verify ? "true" : "false"));
  command.argv.insert(command.argv.end(), {"--", of.record.image_name});
  command.die_with_parent = true;
  const base::Output output = base::run_and_capture(command, registry_patience);
  if (output.status.code == 0) return std::string{base::trim(output.out)};
  std::string_view told = base::trim(output.err);
  told = told.substr(0, told.find('\n'));
  if (told.starts_with("Error: ")) told.remove_prefix(7);
  throw make_error(ErrorKind::network, told);
}

/// Whether the registry has another image under the name than the store.
bool is_newer_at_registry(Engine& engine, const Candidate& of, const AutoUpdateOptions& options) {
  const std::string remote = ask_transfer(engine, of, options, {"digest"});
  const auto image = storage::find_image(engine.store(), of.record.image_name);
  if (!image || image->record.config.hex() != of.record.image_id) return true;
  if (image->record.manifest.text() == remote) return false;
  for (const std::string& digest : repo_digests_of(*image))
    if (digest.ends_with("@" + remote)) return false;
  return true;
}

/// Whether the name means another image in the store than the container runs.
bool differs_in_store(Engine& engine, const Candidate& of) {
  const auto image = storage::find_image(engine.store(), of.record.image_name);
  return image && image->record.config.hex() != of.record.image_id;
}

void check(const Candidate& one) {
  if (one.report.unit.empty())
    throw make_error(ErrorKind::invalid_argument, "does not run in a unit of systemd (it has no label ", unit_label,
                     ')');
  if (one.record.image_name.empty() || one.record.image_name.find('/') == std::string::npos)
    throw make_error(ErrorKind::invalid_argument, "was not made of an image by its full name");
}

/// Pulls what is newer. Whether the unit is to be restarted.
bool fetch(Engine& engine, Candidate& one, const AutoUpdateOptions& options) {
  check(one);
  const bool from_registry = one.report.policy == "registry";
  const bool differs = from_registry ? is_newer_at_registry(engine, one, options) : differs_in_store(engine, one);
  if (!differs) return false;
  if (options.dry_run) {
    one.report.updated = "pending";
    return false;
  }
  if (!from_registry) return true;
  ask_transfer(engine, one, options, {"pull", "--quiet", "--policy=always"});
  return differs_in_store(engine, one);
}

/// Nothing when the unit came up.
std::optional<std::string> restart(const std::string& unit) {
  const auto result = systemctl({"restart", unit});
  if (!result) return "there is no systemctl";
  if (result->code == 0) return std::nullopt;
  return result->error.substr(0, result->error.find('\n'));
}

/// Gives the name back to the image that the containers of a unit had before.
void restore_names(Engine& engine, const std::vector<Candidate*>& of) {
  for (const Candidate* one : of) tag(engine, one->record.image_id, {one->record.image_name});
}

void set_all(const std::vector<Candidate*>& of, const std::string& updated, const std::string& error) {
  for (Candidate* one : of) {
    one->report.updated = updated;
    one->report.error = error;
  }
}

void update_unit(Engine& engine, const std::string& unit, const std::vector<Candidate*>& of,
                 const AutoUpdateOptions& options) {
  const auto failure = restart(unit);
  if (!failure) return set_all(of, "true", "");
  if (!options.rollback) return set_all(of, "failed", *failure);
  try {
    restore_names(engine, of);
  } catch (const base::Error& error) {
    return set_all(of, "failed", concat(*failure, "; the former image is not there: ", error.message()));
  }
  systemctl({"reset-failed", unit});  // the new image's failures do not count against the former one
  const auto again = restart(unit);
  set_all(of, again ? "failed" : "rolled back", again ? *again : *failure);
}

}  // namespace

std::vector<AutoUpdated> auto_update(Engine& engine, const AutoUpdateOptions& options) {
  std::vector<Candidate> all = candidates(engine, options);
  std::map<std::string, std::vector<Candidate*>> units;
  for (Candidate& one : all) {
    try {
      if (fetch(engine, one, options)) units[one.report.unit].push_back(&one);
    } catch (const base::Error& error) {
      one.report.updated = "failed";
      one.report.error = error.message();
    }
  }
  for (const auto& [unit, of] : units) update_unit(engine, unit, of, options);
  std::vector<AutoUpdated> reports;
  for (Candidate& one : all) reports.push_back(std::move(one.report));
  return reports;
}

}  // namespace engine
