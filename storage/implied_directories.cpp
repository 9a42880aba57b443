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
  base::UniqueFd dir;  ///< When it is here.
};

/// Follows `path` below `root`, one directory after the other and no link.
Step look(int root, const std::string& path) {
  base::UniqueFd dir = base::open_directory(root, ".");
  bool hides_below = is_opaque(dir.get());
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string name = path.substr(start, end - start);
    start = end + 1;
    base::UniqueFd next{::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!next && errno == ENOENT) return {hides_below ? Found::hidden : Found::nothing, {}};
    if (!next && (errno == ENOTDIR || errno == ELOOP)) return {Found::hidden, {}};
    if (!next) throw base::os_error("looking at ", base::quoted(path), " in a layer below");
    dir = std::move(next);
    hides_below = hides_below || (start < path.size() && is_opaque(dir.get()));
  }
  return {Found::here, std::move(dir)};
}

/// Whether the layer itself hides what the layers below have at `path`: a directory above it is opaque.
bool hides_by_itself(int diff, const std::string& path) {
  for (std::string above = path; !above.empty();) {
    above.resize(above.find('/') == std::string::npos ? 0 : above.rfind('/'));
    if (is_opaque(look(diff, above).dir.get())) return true;
  }
  return false;
}

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
  Adoption(int diff, OwnerPolicy policy) : diff_(diff), policy_(policy) {}

  /// Takes what `lower` knows out of `paths`.
  void take_from(const LowerLayer& lower, std::vector<std::string>& paths) {
    const base::UniqueFd root = base::open_directory(lower.dir, lower.diff);
    std::map<std::string, OwnerRecord*> found;
    const std::size_t first = records_.size();
    std::erase_if(paths, [&](const std::string& path) {
      const Step step = look(root.get(), path);
      if (step.found == Found::here) adopt(step.dir.get(), path);
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
    base::with_context([&] { copy_attributes(source, look(diff_, path).dir.get(), info); }, "taking over ",
                       base::quoted(path), " from a layer below");
    records_.push_back(record_of(path, info));
  }

  int diff_;
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
  const base::UniqueFd diff = base::open_directory(target_dir, "diff");
  std::erase_if(paths, [&](const std::string& path) { return hides_by_itself(diff.get(), path); });
  Adoption adoption(diff.get(), policy);
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
