#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <map>
#include <set>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/inside_store.hpp"
#include "engine/upkeep.hpp"
#include "engine/verbs.hpp"
#include "storage/containers.hpp"
#include "storage/layout.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/volumes.hpp"

// `engine system df`: real blocks of every object, and who keeps it.

namespace engine {
namespace {

using Paths = std::set<std::string>;
using Sizes = std::map<std::string, std::uint64_t>;

constexpr std::uint64_t block_bytes = 512;  // of st_blocks; stat(3type)

/// Blobs are ours, so they are looked at from here.
void measure_blobs(const storage::Store& store, Sizes& sizes) {
  for (const base::Digest& blob : storage::find_all_objects(store).blobs) {
    const std::string path = storage::layout::blob(blob);
    struct stat info {};
    if (::fstatat(store.root(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
      sizes[path] = static_cast<std::uint64_t>(info.st_blocks) * block_bytes;
  }
}

std::uint64_t sum_of(const Sizes& sizes, const Paths& paths) {
  std::uint64_t total = 0;
  for (const std::string& path : paths)
    if (const auto size = sizes.find(path); size != sizes.end()) total += size->second;
  return total;
}

std::uint64_t sum_below(const Sizes& sizes, const std::string& folder) {
  std::uint64_t total = 0;
  for (auto size = sizes.lower_bound(folder + "/"); size != sizes.end() && size->first.starts_with(folder + "/");
       ++size)
    total += size->second;
  return total;
}

Paths paths_of(const storage::Store& store, const storage::Objects& objects) {
  Paths paths;
  for (const base::Digest& chain : objects.layers) paths.insert(storage::layout::layer(chain));
  for (const base::Digest& blob : objects.blobs) paths.insert(storage::layout::blob(blob));
  for (std::string& merged : storage::merged_trees_of(store, objects.layers)) paths.insert(std::move(merged));
  return paths;
}

/// Everything is gathered once; then each table is made of it.
class Usage {
 public:
  explicit Usage(Engine& engine)
      : engine_(engine),
        store_(engine.store()),
        containers_(list_containers(engine, {.all = true})),
        sizes_(measure_inside(
            engine, {"layers/*", "merged/*", "containers/*", "volumes/*", "staging/*", "partial/*", "trash/*"})) {
    measure_blobs(store_, sizes_);
    for (const ContainerSummary& container : containers_) read_container(store_, container.id);
    for (const storage::Store* users = store_.container_store(); users != nullptr; users = users->container_store())
      for (const std::string& id : storage::list_container_ids(*users)) read_container(*users, id);
  }

  SystemUsage take() {
    add_images();
    add_containers();
    add_volumes();
    add_others();
    return std::move(result_);
  }

 private:
  void read_container(const storage::Store& store, const std::string& id) {
    try {
      const auto container = storage::open_container(store, id);
      if (container) records_.emplace(id, storage::read_record(*container));
    } catch (const base::Error&) {  // damaged, or removed meanwhile: it keeps no image that we know of
    }
  }
  std::vector<std::string> users_of_image(const base::Digest& manifest) const {
    std::vector<std::string> users;
    for (const auto& [id, record] : records_)
      if (record.manifest == manifest.text()) users.push_back(record.name.empty() ? id.substr(0, 12) : record.name);
    return users;
  }
  std::vector<std::string> users_of_volume(const std::string& name) const {
    std::vector<std::string> users;
    for (const auto& [id, record] : records_)
      for (const auto* list : {&record.named_volumes, &record.anonymous_volumes})
        if (std::find(list->begin(), list->end(), name) != list->end())
          users.push_back(record.name.empty() ? id.substr(0, 12) : record.name);
    return users;
  }
  std::uint64_t reclaimable_of_images(const storage::Forgotten& unused, const Paths& of_images) const;

  void add_images();
  void add_containers();
  void add_volumes();
  void add_others();

  Engine& engine_;
  const storage::Store& store_;
  std::vector<ContainerSummary> containers_;
  std::map<std::string, storage::ContainerRecord> records_;  ///< By id, also of those of another store of ours.
  Sizes sizes_;
  Paths of_images_;
  SystemUsage result_;
};

std::uint64_t Usage::reclaimable_of_images(const storage::Forgotten& unused, const Paths& of_images) const {
  const Paths needed = paths_of(store_, storage::find_reachable(store_, unused));
  Paths rest;
  std::set_difference(of_images.begin(), of_images.end(), needed.begin(), needed.end(),
                      std::inserter(rest, rest.end()));
  return sum_of(sizes_, rest);
}

void Usage::add_images() {
  UsageLine line{.type = "Images"};
  storage::Forgotten unused;
  std::map<std::string, unsigned> holders;  // how many images have an object
  std::vector<Paths> objects_of;
  for (const storage::NamedImage& image : storage::list_images(store_)) {
    storage::Objects objects;
    storage::add_image_objects(store_, image.record, objects);
    objects_of.push_back(paths_of(store_, objects));
    for (const std::string& path : objects_of.back()) ++holders[path];
    std::vector<std::string> users = users_of_image(image.record.manifest);
    ++line.total;
    line.active += users.empty() ? 0 : 1;
    if (users.empty() && !image.read_only) unused.images.insert(image.record.manifest);
    Paths compressed = objects_of.back();
    std::erase_if(compressed, [](const std::string& path) { return !path.starts_with("blobs/"); });
    result_.images.push_back(
        {.id = std::string{image.record.config.hex()},
         .names = image.names,
         .created = base::parse_rfc3339(image.record.created),
         .size_bytes = image.read_only ? image.record.size_bytes : sum_of(sizes_, objects_of.back()),
         .shared_bytes = 0,
         .compressed_bytes = sum_of(sizes_, compressed),
         .containers = std::move(users),
         .read_only = image.read_only});
  }
  for (std::size_t i = 0; i < objects_of.size(); ++i) {
    Paths shared = objects_of[i];
    std::erase_if(shared, [&](const std::string& path) { return holders[path] < 2; });
    result_.images[i].shared_bytes = sum_of(sizes_, shared);
    of_images_.insert(objects_of[i].begin(), objects_of[i].end());
  }
  line.size_bytes = sum_of(sizes_, of_images_);
  line.reclaimable_bytes = reclaimable_of_images(unused, of_images_);
  result_.lines.push_back(std::move(line));
}

void Usage::add_containers() {
  UsageLine line{.type = "Containers"};
  for (const ContainerSummary& container : containers_) {
    const auto record = records_.find(container.id);
    const std::uint64_t size = sum_of(sizes_, {storage::layout::container(container.id)});
    ++line.total;
    line.active += container.status == "running" ? 1 : 0;
    line.size_bytes += size;
    if (container.status != "running") line.reclaimable_bytes += size;
    result_.containers.push_back({.id = container.id,
                                  .name = container.name,
                                  .image_id = container.image_id,
                                  .status = container.status,
                                  .command = container.command,
                                  .created = container.created,
                                  .size_bytes = size,
                                  .volumes = record == records_.end() ? 0
                                                                      : record->second.named_volumes.size() +
                                                                            record->second.anonymous_volumes.size()});
  }
  result_.lines.push_back(std::move(line));
}

void Usage::add_volumes() {
  UsageLine line{.type = "Local Volumes"};
  for (const storage::Volume& volume : storage::list_volumes(store_)) {
    const std::uint64_t size = sum_of(sizes_, {storage::layout::volume(volume.name)});
    std::vector<std::string> users = users_of_volume(volume.name);
    ++line.total;
    line.active += users.empty() ? 0 : 1;
    line.size_bytes += size;
    if (users.empty()) line.reclaimable_bytes += size;
    result_.volumes.push_back({.name = volume.name, .containers = std::move(users), .size_bytes = size});
  }
  result_.lines.push_back(std::move(line));
}

void Usage::add_others() {
  const auto add = [&](std::string what, std::uint64_t size, std::string why) {
    if (size > 0) result_.others.push_back({std::move(what), size, std::move(why)});
  };
  const Paths needed = paths_of(store_, storage::find_reachable(store_));
  Paths of_containers, unused;
  for (const char* folder : {"layers", "merged", "blobs"})
    for (auto size = sizes_.lower_bound(base::concat(folder, "/"));
         size != sizes_.end() && size->first.starts_with(base::concat(folder, "/")); ++size)
      if (of_images_.count(size->first) == 0)
        (needed.count(size->first) != 0 ? of_containers : unused).insert(size->first);
  add("Untagged and removed images", sum_of(sizes_, of_containers), "containers made of them, or a pull that goes on");
  add("Unused layers and blobs", sum_of(sizes_, unused), "nothing: engine system prune");
  std::uint64_t of_variants = 0;
  for (const auto& [path, bytes] : measure_inside(engine_, storage::unused_variants(store_))) of_variants += bytes;
  add("Layers made for other ids", of_variants, "nothing: engine image prune (the sizes of images contain it)");
  add("Unfinished work", sum_below(sizes_, "staging"), "pulls that go on; what killed ones left goes with the next");
  add("Downloads that broke off", sum_below(sizes_, "partial"), "a later pull: engine system prune gives up on them");
  add("Removed, not deleted yet", sum_below(sizes_, "trash"), "nothing: the next command that removes something");
}

}  // namespace

SystemUsage disk_usage(Engine& engine) {
  SystemUsage usage = Usage{engine}.take();
  if (engine.config.image_store.empty()) return usage;
  Engine of_images{config_for_images(engine.config), engine.host, engine.progress};
  SystemUsage images = Usage{of_images}.take();
  usage.lines.front() = std::move(images.lines.front());
  usage.images = std::move(images.images);
  for (OtherUsage& other : images.others) {
    other.what += ", in the store of images";
    usage.others.push_back(std::move(other));
  }
  return usage;
}

}  // namespace engine
