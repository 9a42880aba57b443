#include "storage/implied_directories.hpp"

#include <fcntl.h>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/copy_attributes.hpp"
#include "storage/owners.hpp"

namespace storage {
namespace {

constexpr const char* list_name = "implied";
constexpr std::size_t max_list_bytes = 256UL << 20;  // as much as the unpacker keeps of directories in memory

enum class Found { nothing, hidden, here };

struct Step {
  Found found;
  int dir = -1;                  ///< When it is here; the cursor's, until its next look.
  bool is_below_opaque = false;  ///< A directory above it is opaque.
};

/// Looks up paths below one root, directory by directory and no link. It remembers the last few directories of the last
/// path, so that a long path with all its ancestors, one after the other, costs one step each and not their depth.
class TreeCursor {
 public:
  explicit TreeCursor(base::UniqueFd root) : root_(std::move(root)), root_hides_(is_opaque(root_.get())) {}

  Step look(const std::string& path) {
    while (!levels_.empty() && !is_at_or_above(levels_.back().path, path)) levels_.pop_back();
    std::size_t start = levels_.empty() ? 0 : levels_.back().path.size() + 1;
    bool hides = levels_.empty() ? root_hides_ : levels_.back().hides_below;
    if (start > path.size() && !path.empty()) return {Found::here, levels_.back().dir.get(), levels_.back().is_hidden};
    while (start < path.size()) {
      const std::size_t end = std::min(path.find('/', start), path.size());
      base::UniqueFd next{
          ::openat(here(), path.substr(start, end - start).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
      if (!next && errno == ENOENT) return {hides ? Found::hidden : Found::nothing};
      if (!next && (errno == ENOTDIR || errno == ELOOP)) return {Found::hidden};
      if (!next) throw base::os_error("looking at ", base::quoted(path), " in a layer");
      const bool hides_below = hides || is_opaque(next.get());
      push({path.substr(0, end), std::move(next), hides, hides_below});
      if (end != path.size()) hides = hides_below;
      start = end + 1;
    }
    return {Found::here, here(), hides};
  }

 private:
  struct Level {
    std::string path;
    base::UniqueFd dir;
    bool is_hidden;    ///< A directory above it is opaque.
    bool hides_below;  ///< That, or itself is.
  };
  static constexpr std::size_t max_levels = 16;  // descriptors are few, and paths may be very deep

  static bool is_at_or_above(const std::string& above, const std::string& path) {
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
  }
  int here() const { return levels_.empty() ? root_.get() : levels_.back().dir.get(); }
  void push(Level level) {
    if (levels_.size() == max_levels) levels_.erase(levels_.begin());
    levels_.push_back(std::move(level));
  }

  base::UniqueFd root_;
  bool root_hides_;
  std::vector<Level> levels_;
};

std::vector<std::string> read_list(int target_dir) {
  const auto text = base::try_read_file(target_dir, list_name, max_list_bytes);
  std::vector<std::string> paths;
  if (!text) return paths;
  for (const std::string_view path : base::split(*text, '\0')) paths.emplace_back(path);
  paths.pop_back();  // every path is ended by a NUL
  return paths;
}

OwnerRecord record_of(const std::string& path, const struct stat& info) {
  return {.type = OwnerRecord::Type::directory,
          .path = path.empty() ? "." : path,
          .mode = info.st_mode & 07777,
          .uid = info.st_uid,
          .gid = info.st_gid,
          .mtime_seconds = info.st_mtim.tv_sec,
          .mtime_nanoseconds = info.st_mtim.tv_nsec};
}

/// With a single id the true owners are in the manifest only.
void take_true_owners(const LowerLayer& lower, std::map<std::string, OwnerRecord*>& wanted) {
  const base::UniqueFd fd{::openat(lower.dir, lower.owners.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening the owner manifest of a layer below");
  OwnersReader reader(fd.get());
  while (const std::optional<OwnerRecord> record = reader.next()) {
    const auto place = wanted.find(record->path);
    if (record->type != OwnerRecord::Type::directory || place == wanted.end()) continue;
    place->second->uid = record->uid;
    place->second->gid = record->gid;
  }
}

/// One pass over the layers below for all directories that are still looked for.
class Adoption {
 public:
  Adoption(TreeCursor& diff, OwnerPolicy policy) : diff_(diff), policy_(policy) {}

  /// Takes what `lower` knows out of `paths`.
  void take_from(const LowerLayer& lower, std::vector<std::string>& paths) {
    TreeCursor tree{base::open_directory(lower.dir, lower.diff)};
    std::map<std::string, OwnerRecord*> found;
    const std::size_t first = records_.size();
    std::erase_if(paths, [&](const std::string& path) {
      const Step step = tree.look(path);
      if (step.found == Found::here) adopt(step.dir, path);
      return step.found != Found::nothing;
    });
    if (policy_ == OwnerPolicy::mapped || records_.size() == first) return;
    for (std::size_t i = first; i < records_.size(); ++i) found.emplace(records_[i].path, &records_[i]);
    take_true_owners(lower, found);
  }

  const std::vector<OwnerRecord>& records() const noexcept { return records_; }

 private:
  void adopt(int source, const std::string& path) {
    struct stat info {};
    if (::fstat(source, &info) != 0) throw base::os_error("looking at ", base::quoted(path), " in a layer below");
    base::with_context([&] { copy_attributes(source, diff_.look(path).dir, info); }, "taking over ", base::quoted(path),
                       " from a layer below");
    records_.push_back(record_of(path, info));
  }

  TreeCursor& diff_;
  OwnerPolicy policy_;
  std::vector<OwnerRecord> records_;
};

void add_to_manifest(int target_dir, const std::vector<OwnerRecord>& records) {
  if (records.empty()) return;
  const base::UniqueFd fd{::openat(target_dir, "owners", O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening \"owners\"");
  OwnersWriter owners = OwnersWriter::reopen(fd.get());
  for (const OwnerRecord& record : records) owners.add(record);
  owners.finish();
}

}  // namespace

void adopt_implied_directories(int target_dir, const std::vector<LowerLayer>& lowers, OwnerPolicy policy) {
  std::vector<std::string> paths = read_list(target_dir);
  TreeCursor diff{base::open_directory(target_dir, "diff")};
  // What the layer itself hides of those below is not theirs to say.
  std::erase_if(paths, [&](const std::string& path) { return diff.look(path).is_below_opaque; });
  Adoption adoption(diff, policy);
  for (auto lower = lowers.begin(); lower != lowers.end() && !paths.empty(); ++lower) adoption.take_from(*lower, paths);
  add_to_manifest(target_dir, adoption.records());
  base::unlink_file(target_dir, list_name);
}

void write_implied_directories(int target_dir, const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  std::string text;
  for (const std::string& path : paths) text.append(path).push_back('\0');
  base::write_file_atomically(target_dir, list_name, text, base::Durability::volatile_);
}

}  // namespace storage
