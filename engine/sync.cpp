#include "engine/sync.hpp"

#include <fcntl.h>
#include <optional>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"
#include "engine/remote_source.hpp"
#include "engine/sync_list.hpp"
#include "registry/tags.hpp"
#include "registry/yaml_file.hpp"

namespace engine {
namespace {

using registry::Repository;

constexpr unsigned max_folder_depth = 8;
constexpr std::size_t max_images = 100'000;

/// One image of the plan.
struct Task {
  std::string source;       ///< For copy: "docker://…", "dir:…".
  std::string destination;  ///< Likewise.
  RemoteOptions from;
};

/// ":1" of a tag, "@sha256:…" of a digest.
std::string ending_of(const std::string& name) {
  return base::concat(name.find(':') == std::string::npos ? ':' : '@', name);
}

/// The tag or digest that stands behind a repository's name; empty when there is none.
std::string ending_in(const std::string& typed) {
  const std::size_t slash = typed.rfind('/');
  const std::size_t start = slash == std::string::npos ? 0 : slash;
  const std::size_t mark = typed.find_first_of(":@", start);
  return mark == std::string::npos ? "" : typed.substr(mark);
}

class Planner {
 public:
  Planner(Engine& engine, const SyncOptions& options) : engine_(engine), options_(options) {}

  std::vector<Task> plan() {
    if (options_.from == SyncPlace::dir)
      add_folder(options_.source, "", 0);
    else if (options_.from == SyncPlace::yaml)
      add_list();
    else
      add_docker();
    return std::move(tasks_);
  }
  /// Repositories that could not be listed.
  const std::vector<SyncedImage>& failures() const { return failures_; }

 private:
  void add(const std::string& source, const std::string& repository, const std::string& ending,
           const RemoteOptions& from) {
    if (tasks_.size() == max_images)
      throw base::make_error(base::ErrorKind::unsupported, "these are more than ", max_images, " images");
    const std::string name = synced_name(options_.destination, repository, ending, options_);
    tasks_.push_back({source, base::concat(options_.to == SyncPlace::dir ? "dir:" : "docker://", name), from});
  }

  void add_names(const std::string& repository, const std::vector<std::string>& names, const RemoteOptions& from) {
    for (const std::string& name : names)
      add(base::concat("docker://", repository, ending_of(name)), repository, ending_of(name), from);
  }

  std::vector<std::string> tags_of(const std::string& repository, const RemoteOptions& from) {
    Repository place(oci::Reference::parse(repository), registry_options_of(engine_, from), Repository::Use::reading);
    return registry::list_tags(place, 0);
  }

  void add_docker() {
    const registry::SourceName name = registry::parse_source_name(options_.source);
    if (name.transport != "docker")
      throw base::make_error(base::ErrorKind::invalid_argument, "--src docker needs the name of a repository");
    const oci::Reference reference = oci::Reference::parse(name.rest);
    const std::string ending = ending_in(name.rest);
    if (!ending.empty())
      return add(base::concat("docker://", reference.to_string()), reference.repository(), ending,
                 options_.remote_from);
    add_names(reference.repository(), tags_of(reference.repository(), options_.remote_from), options_.remote_from);
  }

  /// Every folder with a manifest.json is an image; its path below the source is its name.
  void add_folder(const std::string& path, const std::string& below, unsigned depth) {
    const base::UniqueFd folder = base::open_directory(AT_FDCWD, path);
    const std::vector<std::string> entries = base::list_directory(folder.get(), ".");
    if (base::exists(folder.get(), "manifest.json")) {
      const std::string ending = ending_in(below);
      const std::string name = below.empty() ? path.substr(path.rfind('/') + 1) : below;
      return add(base::concat("dir:", path), name.substr(0, name.size() - ending.size()), ending, {});
    }
    if (depth == max_folder_depth) return;
    for (const std::string& entry : entries)
      if (base::try_open_directory(folder.get(), entry))
        add_folder(base::concat(path, '/', entry), below.empty() ? entry : base::concat(below, '/', entry), depth + 1);
  }

  void add_list() {
    const auto text = base::try_read_host_file(options_.source, registry::max_yaml_bytes);
    if (!text) throw base::make_error(base::ErrorKind::not_found, "there is no file ", base::quoted(options_.source));
    for (const SyncRegistry& registry : parse_sync_list(*text, options_.source)) {
      const RemoteOptions from = remote_of(registry);
      for (const SyncRepository& repository : registry.repositories) {
        try {
          add_repository(registry.host, repository, from);
        } catch (const base::Error& error) {
          if (!options_.keep_going) throw;
          failures_.push_back({.source = base::concat("docker://", registry.host, '/', repository.path),
                               .destination = {},
                               .digest = {},
                               .error = error.message()});
        }
      }
    }
  }

  RemoteOptions remote_of(const SyncRegistry& registry) const {
    RemoteOptions from = options_.remote_from;
    if (registry.tls_verify) from.tls_verify = registry.tls_verify;
    if (!registry.cert_dir.empty()) from.cert_dir = registry.cert_dir;
    if (!registry.user.empty()) from.creds = base::concat(registry.user, ':', registry.password);
    return from;
  }

  void add_repository(const std::string& host, const SyncRepository& repository, const RemoteOptions& from) {
    const std::string name = oci::Reference::parse(base::concat(host, '/', repository.path)).repository();
    std::vector<std::string> tags;
    if (repository.choice != SyncRepository::Choice::named) tags = tags_of(name, from);
    const std::vector<std::string> chosen = chosen_tags(repository, tags);
    if (chosen.empty()) base::log(base::LogLevel::warn, name, ": no tag is wanted of ", tags.size());
    add_names(name, chosen, from);
  }

  Engine& engine_;
  const SyncOptions& options_;
  std::vector<Task> tasks_;
  std::vector<SyncedImage> failures_;
};

/// dir: makes its last folder itself.
void make_parents(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return;
  const bool is_absolute = path.front() == '/';
  const base::UniqueFd start = base::open_directory(AT_FDCWD, is_absolute ? "/" : ".");
  base::make_directories(start.get(), path.substr(is_absolute ? 1 : 0, slash - (is_absolute ? 1 : 0)), 0755);
}

SyncedImage sync_one(Engine& engine, const Task& task, const SyncOptions& options) {
  SyncedImage image{.source = task.source, .destination = task.destination, .digest = {}, .error = {}};
  if (options.dry_run) return image;
  CopyOptions copy;
  copy.source = task.source;
  copy.destination = task.destination;
  copy.all = options.all;
  copy.jobs = options.jobs;
  copy.from = task.from;
  copy.to = options.remote_to;
  if (options.to == SyncPlace::dir) make_parents(task.destination.substr(4));
  image.digest = copy_image(engine, copy).digest;
  return image;
}

}  // namespace

std::string synced_name(const std::string& destination, const std::string& repository, const std::string& ending,
                        const SyncOptions& options) {
  std::string_view base_of{destination};
  while (base_of.size() > 1 && base_of.back() == '/') base_of.remove_suffix(1);
  const std::string name = options.scoped ? repository : repository.substr(repository.rfind('/') + 1);
  // A digest takes no suffix, and a name without a tag means "latest".
  const bool is_digest = ending.find('@') != std::string::npos;
  const std::string shown = ending.empty() && !options.append_suffix.empty() ? ":latest" : ending;
  return base::concat(base_of, '/', name, shown, is_digest ? "" : options.append_suffix);
}

void sync_images(Engine& engine, const SyncOptions& options, const std::function<void(const SyncedImage&)>& on_image) {
  if (options.to == SyncPlace::yaml)
    throw base::Error(base::ErrorKind::invalid_argument, "--dest is one of docker and dir");
  std::string destination = options.destination;
  SyncOptions used = options;
  if (used.to == SyncPlace::docker && destination.substr(0, 9) == "docker://") used.destination = destination.substr(9);
  Planner planner(engine, used);
  const std::vector<Task> tasks = planner.plan();
  std::size_t failures = planner.failures().size();
  if (tasks.empty() && failures == 0)
    throw base::make_error(base::ErrorKind::not_found, options.source, " has no images");
  for (const SyncedImage& failure : planner.failures()) on_image(failure);
  for (const Task& task : tasks) {
    try {
      on_image(sync_one(engine, task, used));
    } catch (const base::Error& error) {
      if (!options.keep_going || error.kind() == base::ErrorKind::interrupted) throw;
      ++failures;
      on_image({.source = task.source, .destination = task.destination, .digest = {}, .error = error.message()});
    }
  }
  if (failures > 0)
    throw base::make_error(base::ErrorKind::network, failures, " of ", tasks.size() + planner.failures().size(),
                           " images could not be copied");
}

}  // namespace engine
