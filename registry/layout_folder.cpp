#include <fcntl.h>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "registry/discard_on_signal.hpp"
#include "registry/layout_files.hpp"
#include "registry/output_file.hpp"

// write_folder_files of layout_files.hpp. Everything is written to a temporary folder: beside the target when that is
// made, which then is one rename; inside of it when it is there, from where files move to their places at the end.

namespace registry {

namespace {

constexpr mode_t folder_mode = 0755;  // less what the umask takes away
constexpr mode_t file_mode = 0644;
constexpr std::size_t piece_bytes = 256 * 1024;

class FdSink final : public base::Sink {
 public:
  explicit FdSink(int fd) : fd_(fd) {}
  void write(std::string_view bytes) override { base::write_all(fd_, bytes); }

 private:
  int fd_;
};

std::string folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string{} : name.substr(0, slash);
}

/// Other threads may go on making files in it.
void remove_while_written(int parent, const std::string& folder) {
  constexpr int attempts = 10;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    try {
      return base::remove_tree(parent, folder);
    } catch (const base::Error&) {  // something was made meanwhile
    }
  }
}

class FolderFiles final : public LayoutFiles {
 public:
  FolderFiles(const std::string& path, const std::string& marker, EarlierFiles earlier);
  FolderFiles(const FolderFiles&) = delete;
  FolderFiles& operator=(const FolderFiles&) = delete;
  ~FolderFiles() override {
    if (temporary_.empty()) return;
    try {
      base::remove_tree(parent_.get(), temporary_);
    } catch (const base::Error&) {  // what cannot be removed has a name that says what it is
    }
  }

  bool has(const std::string& name, std::uint64_t size_bytes, const base::Digest& digest) override {
    {
      const std::lock_guard lock(mutex_);
      if (names_.contains(name)) return true;
    }
    if (!target_ || !is_earlier(name, size_bytes, digest)) return false;
    const std::lock_guard lock(mutex_);
    names_.insert(name);  // it belongs to what is written now
    return true;
  }

  void put(const std::string& name, std::uint64_t size_bytes, const Write& write) override;
  std::optional<std::string> read_earlier(const std::string& name, std::size_t limit_bytes) override {
    return target_ ? base::try_read_file(target_.get(), name, limit_bytes) : std::nullopt;
  }
  void finish(const std::string& last) override;

 private:
  bool is_earlier(const std::string& name, std::uint64_t size_bytes, const base::Digest& digest) const;
  void move_into_place(const std::string& name);
  void remove_earlier();

  base::UniqueFd parent_;  ///< Of the temporary folder.
  base::UniqueFd target_;  ///< Only when it was there.
  std::string name_;       ///< Of the target, in parent_; empty when it was there.
  std::string temporary_;
  base::UniqueFd folder_;  ///< The temporary one.
  std::optional<DiscardOnSignal> on_signal_;
  EarlierFiles earlier_;
  std::mutex mutex_;
  std::set<std::string> names_;   ///< All that belong to the result.
  std::set<std::string> staged_;  ///< Those that lie in the temporary folder.
};

FolderFiles::FolderFiles(const std::string& path, const std::string& marker, EarlierFiles earlier) : earlier_(earlier) {
  target_ = base::UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!target_ && errno != ENOENT) throw base::os_error("opening the folder ", base::quoted(path));
  if (target_) {
    const std::vector<std::string> names = base::list_directory(target_.get(), ".");
    if (!names.empty() && !base::exists(target_.get(), marker))
      throw base::make_error(base::ErrorKind::already_exists, base::quoted(path), " holds other files than an image")
          .with_hint("name an empty folder, or one that does not exist");
    parent_ = base::open_directory(target_.get(), ".");
    temporary_ = temporary_name("new");
  } else {
    FolderAndName place = split_last_component(path);
    parent_ = base::UniqueFd{::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!parent_) throw base::os_error("opening the folder ", base::quoted(place.folder));
    name_ = std::move(place.name);
    temporary_ = temporary_name(name_);
  }
  on_signal_.emplace([parent = parent_.get(), temporary = temporary_] { remove_while_written(parent, temporary); });
  folder_ = base::make_directory(parent_.get(), temporary_, folder_mode);
}

void FolderFiles::put(const std::string& name, std::uint64_t size_bytes, const Write& write) {
  const std::string folder = folder_of(name);
  if (!folder.empty()) base::make_directories(folder_.get(), folder, folder_mode);
  base::UniqueFd fd{
      ::openat(folder_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file_mode)};
  if (!fd) throw base::os_error("creating ", base::quoted(name));
  auto discard = base::on_scope_exit([&] { ::unlinkat(folder_.get(), name.c_str(), 0); });
  FdSink sink(fd.get());
  write(sink);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw base::os_error("looking at ", base::quoted(name));
  if (static_cast<std::uint64_t>(status.st_size) != size_bytes)
    throw base::make_error(base::ErrorKind::internal, base::quoted(name), " was not written whole");
  discard.cancel();
  const std::lock_guard lock(mutex_);
  names_.insert(name);
  staged_.insert(name);
}

/// Others wrote what is there, so nothing is taken for what its name says, and no link is followed.
bool FolderFiles::is_earlier(const std::string& name, std::uint64_t size_bytes, const base::Digest& digest) const {
  const std::string folder = folder_of(name);
  const base::UniqueFd place = folder.empty() ? base::open_directory(target_.get(), ".")
                                              : base::make_directories(target_.get(), folder, folder_mode);
  const base::UniqueFd fd{::openat(place.get(), name.substr(folder.empty() ? 0 : folder.size() + 1).c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (static_cast<std::uint64_t>(status.st_size) != size_bytes) return false;
  base::Sha256 hash;
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  while (const std::size_t got = base::read_some(fd.get(), buffer.get(), piece_bytes)) hash.update(buffer.get(), got);
  return hash.finish() == digest;
}

void FolderFiles::move_into_place(const std::string& name) {
  const std::string folder = folder_of(name);
  if (!folder.empty()) base::make_directories(target_.get(), folder, folder_mode);
  base::rename_replace(folder_.get(), name, target_.get(), name);
}

/// Files only: what else lies there is not ours.
void FolderFiles::remove_earlier() {
  for (const std::string& name : base::list_directory(target_.get(), ".")) {
    struct stat status {};
    if (names_.contains(name) || ::fstatat(target_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(status.st_mode)) base::unlink_file(target_.get(), name);
  }
}

void FolderFiles::finish(const std::string& last) {
  base::flush_filesystem(folder_.get());
  if (!target_) {
    if (!base::rename_no_replace(parent_.get(), temporary_, parent_.get(), name_))
      throw base::make_error(base::ErrorKind::already_exists, base::quoted(name_), " was made by somebody else");
    temporary_.clear();
  } else {
    for (const std::string& name : staged_)
      if (name != last) move_into_place(name);
    move_into_place(last);
    if (earlier_ == EarlierFiles::removed) remove_earlier();
  }
  base::flush_filesystem(parent_.get());
}

}  // namespace

std::unique_ptr<LayoutFiles> write_folder_files(const std::string& path, const std::string& marker,
                                                EarlierFiles earlier) {
  return std::make_unique<FolderFiles>(path, marker, earlier);
}

}  // namespace registry
