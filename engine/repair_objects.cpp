#include "engine/repair_objects.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/reference.hpp"
#include "base/process.hpp"
#include "engine/container_ids.hpp"
#include "engine/error_bytes.hpp"
#include "engine/id_variants.hpp"
#include "engine/reconcile.hpp"
#include "engine/verbs.hpp"
#include "storage/containers.hpp"
#include "storage/damage.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/refs.hpp"
#include "storage/trash.hpp"

namespace engine {
namespace {

using storage::Cure;
using storage::Finding;

constexpr std::size_t max_outcome_bytes = 64 * 1024;

/// What is asked of one image.
struct Wanted {
  std::set<std::string> layers;
  std::set<std::string> blobs;
  bool record = false;
};

class ObjectRepair {
 public:
  ObjectRepair(Engine& engine, const CheckOptions& options, std::vector<std::string>& lost)
      : engine_(engine), options_(options), lost_(lost), names_(storage::refs_by_manifest(engine.store())) {
    note_containers();
  }

  void run(const std::vector<Finding>& findings);

 private:
  struct User {
    std::string id, name, image_name, variant;
    std::set<std::string> chains;
    std::string manifest;
  };

  void note_containers();
  void repair_foreign_variant(const Finding& finding);
  std::optional<base::Error> try_image(const base::Digest& manifest, const Wanted& wanted);
  std::vector<std::string> repositories_of(const base::Digest& manifest) const;
  std::vector<std::string> command_words(const base::Digest& manifest, const Wanted& wanted) const;
  void settle_failure(const Finding& finding, const base::Error& error);
  void give_up_blob(const Finding& finding);
  void give_up_image(const base::Digest& manifest, const base::Error& why);
  void give_up_containers(const Finding& finding);
  void tell(const std::string& line);

  Engine& engine_;
  const CheckOptions& options_;
  std::vector<std::string>& lost_;
  std::map<std::string, std::vector<std::string>, std::less<>> names_;
  std::vector<User> users_;
};

void ObjectRepair::note_containers() {
  for (const std::string& id : storage::peek_container_ids(engine_.store())) {
    try {
      const auto container = storage::open_container(engine_.store(), id);
      if (!container) continue;
      const storage::ContainerRecord record = storage::read_record(*container);
      users_.push_back({id,
                        record.name,
                        record.image_name,
                        record.variant,
                        {record.chain_ids.begin(), record.chain_ids.end()},
                        record.manifest});
    } catch (const base::Error&) {  // a finding of its own
    }
  }
}

Wanted wanted_of(const Finding& finding) {
  Wanted wanted;
  if (finding.cure == Cure::rebuild_layer) wanted.layers.insert(finding.object);
  if (finding.cure == Cure::fetch_blob) wanted.blobs.insert(finding.object);
  if (finding.cure == Cure::restore_image) wanted.record = true;
  return wanted;
}

void ObjectRepair::run(const std::vector<Finding>& findings) {
  // First all that one image needs at once; then, where that failed, each thing from any image that has it.
  std::map<base::Digest, Wanted> by_image;
  std::vector<const Finding*> open, foreign;
  for (const Finding& finding : findings) {
    const bool is_object =
        finding.cure == Cure::rebuild_layer || finding.cure == Cure::fetch_blob || finding.cure == Cure::restore_image;
    if (!is_object) continue;
    if (finding.cure == Cure::rebuild_layer && finding.variant != engine_.variant()) {
      foreign.push_back(&finding);
      continue;
    }
    open.push_back(&finding);
    if (finding.manifests.empty()) continue;
    Wanted& wanted = by_image[finding.manifests.front()];
    Wanted more = wanted_of(finding);
    wanted.layers.merge(more.layers);
    wanted.blobs.merge(more.blobs);
    wanted.record = wanted.record || more.record;
  }
  std::set<base::Digest> done;
  for (const auto& [manifest, wanted] : by_image)
    if (!try_image(manifest, wanted)) done.insert(manifest);
  for (const Finding* finding : open) {
    if (!finding->manifests.empty() && done.count(finding->manifests.front()) != 0) continue;
    std::optional<base::Error> failure =
        base::make_error(base::ErrorKind::not_found, "no image tells where it comes from");
    for (std::size_t i = 0; failure && i < finding->manifests.size(); ++i)
      failure = try_image(finding->manifests[i], wanted_of(*finding));
    if (failure) settle_failure(*finding, *failure);
  }
  // Last: they are made from the default variants, which are sound now.
  for (const Finding* finding : foreign) repair_foreign_variant(*finding);
}

/// Another id map's: nobody needs it, or it is made again from the default variant.
void ObjectRepair::repair_foreign_variant(const Finding& finding) {
  const base::Digest chain = base::Digest::parse(finding.object);
  std::vector<base::FileLock> locks;
  std::optional<rootless::IdMap> map;
  try {
    for (const User& user : users_) {
      if (user.variant != finding.variant || user.chains.count(finding.object) == 0) continue;
      const auto container = storage::open_container(engine_.store(), user.id);
      if (!container) continue;
      map = recorded_map(storage::read_record(*container));
      auto alive = take_alive(*container, engine_.host.boot_id);
      if (!alive)
        throw base::make_error(base::ErrorKind::in_use, "container ", base::quoted(user.name),
                               " runs on a layer that must be replaced")
            .with_hint(base::concat("engine stop ", user.name, ", then repair again"));
      locks.push_back(std::move(*alive));
    }
    if (map) return remake_id_variant(engine_, chain, finding.variant, *map);
    const storage::GcLock lock = engine_.store().lock_garbage();
    const std::string path = storage::layout::layer_variant(chain, finding.variant);
    if (base::exists(engine_.store().root(), path)) storage::move_to_trash(engine_.store(), path);
  } catch (const base::Error& error) {
    if (options_.force) return give_up_containers(finding);
    tell(base::concat("not repaired: layer ", finding.object, " for other ids (", finding.variant,
                      "): ", error.message(), error.hint().empty() ? "" : "; ", error.hint()));
  }
}

std::vector<std::string> ObjectRepair::repositories_of(const base::Digest& manifest) const {
  std::vector<std::string> names;
  if (const auto found = names_.find(manifest.hex()); found != names_.end()) names = found->second;
  for (const User& user : users_)
    if (user.manifest == manifest.text()) names.push_back(user.image_name);
  std::vector<std::string> repositories;
  for (const std::string& name : names) {
    if (name.starts_with("localhost/") || !oci::Reference::is_qualified(name)) continue;  // of no registry
    std::string repository = oci::Reference::parse(name).repository();
    if (std::find(repositories.begin(), repositories.end(), repository) == repositories.end())
      repositories.push_back(std::move(repository));
  }
  return repositories;
}

std::vector<std::string> ObjectRepair::command_words(const base::Digest& manifest, const Wanted& wanted) const {
  std::vector<std::string> words{"engine"};
  for (std::string& word : same_build_options(engine_)) words.push_back(std::move(word));
  words.emplace_back("_repair");
  if (wanted.record) words.emplace_back("--record");
  for (const std::string& layer : wanted.layers) words.push_back("--layer=" + layer);
  for (const std::string& blob : wanted.blobs) words.push_back("--blob=" + blob);
  for (const std::string& repository : repositories_of(manifest)) words.push_back("--from=" + repository);
  if (options_.tls_verify) words.emplace_back(*options_.tls_verify ? "--tls-verify=true" : "--tls-verify=false");
  if (!options_.auth_file.empty()) words.push_back("--authfile=" + options_.auth_file);
  if (!options_.creds.empty()) words.push_back("--creds=" + options_.creds);
  if (!options_.cert_dir.empty()) words.push_back("--cert-dir=" + options_.cert_dir);
  words.push_back(manifest.text());
  return words;
}

std::optional<base::Error> ObjectRepair::try_image(const base::Digest& manifest, const Wanted& wanted) {
  base::Pipe output = base::make_pipe();
  base::Command command{.path = own_program("engine-transfer"), .argv = command_words(manifest, wanted)};
  command.fds = {{output.write_end.get(), 1}};
  command.null_stdin = true;
  command.die_with_parent = true;
  base::Child child = base::spawn(command);
  output.write_end.reset();
  const std::string outcome = base::read_to_end(output.read_end.get(), max_outcome_bytes);
  const base::ExitStatus status = child.wait();
  if (status.code == 130) throw base::Error{base::ErrorKind::interrupted, "repairing was interrupted"};
  constexpr int helper_failed = 125;
  // It could not even begin, and has said why; an empty message adds nothing to that.
  if (status.code == helper_failed) throw base::Error{base::ErrorKind::internal, ""};
  if (status.code != 0)
    return base::make_error(base::ErrorKind::internal, "engine-transfer ended with status ", status.code);
  if (outcome.empty()) return std::nullopt;
  return decode_error(outcome);
}

void ObjectRepair::settle_failure(const Finding& finding, const base::Error& error) {
  if (!finding.is_certain && !options_.force)
    return tell(base::concat("not repaired: ", finding.message, "; ", error.message()));
  if (finding.cure == Cure::fetch_blob) return give_up_blob(finding);
  const bool is_gone = storage::is_damage(error);  // not: a disk that could not write what was made again
  const bool can_wait = error.kind() == base::ErrorKind::in_use || error.kind() == base::ErrorKind::no_space;
  if (can_wait || (!is_gone && !options_.force))
    return tell(base::concat("not repaired: ", error.message(), error.hint().empty() ? "" : "; ", error.hint()));
  for (const base::Digest& manifest : finding.manifests) give_up_image(manifest, error);
  if (options_.force) give_up_containers(finding);
}

void ObjectRepair::give_up_blob(const Finding& finding) {
  const storage::GcLock lock = engine_.store().lock_garbage();
  storage::move_to_trash(engine_.store(), finding.path);
  tell(base::concat("removed: compressed layer ", finding.object,
                    ", which cannot be fetched now; the image works, push and save will have to compress it again"));
}

void ObjectRepair::give_up_image(const base::Digest& manifest, const base::Error& why) {
  const auto names = names_.find(manifest.hex());
  if (names == names_.end() || names->second.empty()) {
    tell(base::concat("lost: image ", manifest, " (", why.message(), ")"));
  } else {
    for (const std::string& name : names->second)
      tell(base::concat("lost: image ", name, " (", why.message(), "); to get it again: engine pull ", name));
  }
  const storage::GcLock lock = engine_.store().lock_garbage();
  storage::forget_image(engine_.store(), lock, manifest);
}

void ObjectRepair::give_up_containers(const Finding& finding) {
  for (const User& user : users_) {
    const bool by_layer = finding.cure == Cure::rebuild_layer && user.chains.count(finding.object) != 0;
    const bool by_image = finding.cure == Cure::restore_image && user.manifest == finding.object;
    if (!by_layer && !by_image) continue;
    RemoveOptions options;
    options.containers = {user.id};
    options.force = options.ignore = true;
    remove(engine_, options);
    tell(base::concat("lost: container ", user.name, " (", user.id.substr(0, 12), "), whose image is lost"));
  }
}

/// Two layers of one image are one loss.
void ObjectRepair::tell(const std::string& line) {
  if (std::find(lost_.begin(), lost_.end(), line) == lost_.end()) lost_.push_back(line);
}

}  // namespace

void repair_objects(Engine& engine, const CheckOptions& options, const std::vector<Finding>& findings,
                    std::vector<std::string>& lost) {
  ObjectRepair{engine, options, lost}.run(findings);
}

}  // namespace engine
