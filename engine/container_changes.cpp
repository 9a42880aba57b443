#include "engine/container_changes.hpp"

#include <map>
#include <tuple>

#include "base/error.hpp"
#include "storage/union_walk.hpp"

namespace engine {
namespace {

using storage::UnionEntry;
using Kind = ImageChange::Kind;
using Changes = std::map<std::string, Kind>;

/// Whether a directory is only there because of what is in it.
bool is_same_directory(const struct stat& one, const struct stat& other) {
  return S_ISDIR(one.st_mode) && one.st_mode == other.st_mode && one.st_uid == other.st_uid &&
         one.st_gid == other.st_gid && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
         one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

/// As docker and podman have it: above what changed, everything changed.
void add_parents(Changes& changes, const std::string& path) {
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    if (!changes.emplace(path.substr(0, slash), Kind::changed).second) return;
  }
}

class UpperChanges final : public storage::UnionVisitor {
 public:
  bool visit(const UnionEntry& entry) override {
    const std::string path = "/" + entry.path;
    if (entry.is_whiteout || (entry.is_opaque && entry.below)) {
      note(path, Kind::deleted);
      return entry.is_opaque;
    }
    if (!entry.below)
      note(path, Kind::added);
    else if (!is_same_directory(entry.info, *entry.below))
      note(path, Kind::changed);
    return S_ISDIR(entry.info.st_mode);
  }
  Changes changes;

 private:
  void note(const std::string& path, Kind kind) {
    changes[path] = kind;
    add_parents(changes, path);
  }
};

/// What counts of each path of a tree.
class TreeFacts final : public storage::UnionVisitor {
 public:
  using Facts = std::tuple<mode_t, uid_t, gid_t, off_t, time_t, long>;
  bool visit(const UnionEntry& entry) override {
    const struct stat& info = entry.info;
    // A directory's own time tells only of what is in it.
    const bool is_dir = S_ISDIR(info.st_mode);
    all["/" + entry.path] = {info.st_mode,
                             info.st_uid,
                             info.st_gid,
                             is_dir ? 0 : info.st_size,
                             is_dir ? 0 : info.st_mtim.tv_sec,
                             is_dir ? 0 : info.st_mtim.tv_nsec};
    return is_dir;
  }
  std::map<std::string, Facts> all;
};

TreeFacts facts_of(const base::UniqueFd& tree) {
  TreeFacts facts;
  std::vector<base::UniqueFd> trees;
  trees.push_back(base::duplicate(tree.get()));
  walk_union(trees, storage::UnionScope::everything, facts);
  return facts;
}

Changes compare_trees(const ContainerLayers& layers) {
  const TreeFacts before = facts_of(layers.original);
  const TreeFacts after = facts_of(layers.layers.at(0));
  Changes changes;
  const auto note = [&](const std::string& path, Kind kind) {
    changes[path] = kind;
    add_parents(changes, path);
  };
  for (const auto& [path, facts] : after.all) {
    const auto known = before.all.find(path);
    if (known == before.all.end())
      note(path, Kind::added);
    else if (known->second != facts)
      note(path, Kind::changed);
  }
  std::string gone;  // what was in a directory that is gone is not listed
  for (const auto& [path, facts] : before.all) {
    if (after.all.contains(path) || (!gone.empty() && path.starts_with(gone))) continue;
    note(path, Kind::deleted);
    gone = path + '/';
  }
  return changes;
}

}  // namespace

std::vector<ImageChange> container_changes(const ContainerLayers& layers) {
  if (!layers.is_union && !layers.original)
    throw base::make_error(base::ErrorKind::unsupported, "the container was made of a folder: there is no image");
  Changes changes;
  if (layers.is_union) {
    UpperChanges upper;
    walk_union(layers.layers, storage::UnionScope::uppermost, upper);
    changes = std::move(upper.changes);
  } else {
    changes = compare_trees(layers);
  }
  std::vector<ImageChange> result;
  for (auto& [path, kind] : changes) result.push_back({kind, path});
  return result;
}

}  // namespace engine
