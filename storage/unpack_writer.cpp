#include "storage/unpack_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/unpack_content.hpp"

namespace storage {
namespace {

constexpr std::string_view whiteout_prefix = ".wh.", marker_prefix = ".wh..wh.", opaque_marker = ".wh..wh..opq";
constexpr std::size_t max_symlink_bytes = 4095;             // PATH_MAX without its NUL
constexpr std::size_t max_directories_bytes = 256UL << 20;  ///< Memory for modes and times that wait.
constexpr std::size_t max_skipped = 10'000;

std::array<timespec, 2> times_of(tar::Timestamp mtime) {
  const timespec time{mtime.seconds, mtime.nanoseconds};
  return {time, time};
}

void set_times(int fd, tar::Timestamp mtime, std::string_view path) {
  if (::futimens(fd, times_of(mtime).data()) != 0) throw base::os_error("setting times of ", base::quoted(path));
}

/// What overlay drivers read as instructions, and so may not come from an image.
bool is_driver_xattr(std::string_view name) {
  return name.starts_with("user.overlay.") || name.starts_with("user.fuseoverlayfs.") ||
         name == "user.containers.override_stat";
}

}  // namespace

LayerWriter::LayerWriter(int diff, int owners, OwnerPolicy policy, const UnpackLimits& limits, UnpackBudget& budget,
                         Markers markers)
    : policy_(policy),
      markers_(markers),
      limits_(limits),
      budget_(budget),
      free_space_(diff, limits.min_free_bytes),
      tree_(diff,
            [this](const std::string& path, int dir, bool whiteout) { note_made_directory(path, dir, whiteout); }),
      owners_(owners) {
  if (markers == Markers::whiteouts) directories_[{}] = {0755, {}, true};
}

void LayerWriter::add(const tar::Entry& entry, tar::Reader& archive) {
  count_entry();
  const LayerPath path = parse_layer_path(entry.path, limits_);
  if (path.is_root() && entry.type != tar::EntryType::directory)
    throw base::make_error(base::ErrorKind::corrupt, "the archive replaces the root by something else");
  if (markers_ == Markers::whiteouts && take_marker(path)) return;
  switch (entry.type) {
    case tar::EntryType::file:
      return add_file(entry, path, archive);
    case tar::EntryType::directory:
      return add_directory(entry, path);
    case tar::EntryType::symlink:
      return add_symlink(entry, path);
    case tar::EntryType::hard_link:
      return add_hard_link(entry, path);
    case tar::EntryType::fifo:
      return add_fifo(entry, path);
    case tar::EntryType::character_device:
    case tar::EntryType::block_device:
      return add_device(entry, path);
  }
}

UnpackResult LayerWriter::finish() {
  // Backwards in the order of the map: children before their parents, which may become unreadable.
  for (auto pending = directories_.rbegin(); pending != directories_.rend(); ++pending) {
    const int dir = tree_.open_existing(pending->first);
    if (dir < 0)
      throw base::make_error(base::ErrorKind::internal, "the directory ", base::quoted(pending->first), " vanished");
    if (::fchmod(dir, pending->second.mode) != 0)
      throw base::os_error("setting mode of ", base::quoted(pending->first));
    set_times(dir, pending->second.mtime, pending->first);
  }
  owners_.finish();
  return result_;
}

std::vector<std::string> LayerWriter::implied_directories() const {
  std::vector<std::string> paths;
  for (const auto& [path, pending] : directories_)
    if (pending.implied) paths.push_back(path);
  return paths;
}

// Source: OCI image-spec layer.md "Whiteouts"; aufs for the other names that start with ".wh..wh.".
bool LayerWriter::take_marker(const LayerPath& path) {
  const std::string_view text = path.text;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    const std::string_view component = text.substr(start, end - start);
    const bool last = end == text.size();
    start = end + 1;
    if (!component.starts_with(whiteout_prefix)) continue;
    if (component == opaque_marker && last) {
      const std::string directory{path.directory()};
      set_opaque(directory, tree_.open_or_make(directory));
    } else if (!component.starts_with(marker_prefix)) {
      if (!last)
        throw base::make_error(base::ErrorKind::corrupt, "the archive has ", base::quoted(text), " below a whiteout");
      add_whiteout(path);
    }
    return true;
  }
  return false;
}

void LayerWriter::add_whiteout(const LayerPath& marker) {
  const std::string name = marker.name().substr(whiteout_prefix.size());
  if (name.empty() || name == "." || name == "..")
    throw base::make_error(base::ErrorKind::corrupt, "the archive has the whiteout ", base::quoted(marker.text),
                           " of nothing");
  const std::string directory{marker.directory()};
  const LayerPath hidden{directory.empty() ? name : base::concat(directory, "/", name)};
  const int parent = tree_.open_or_make(directory);
  OwnerRecord record{.type = OwnerRecord::Type::whiteout, .path = hidden.text};
  if (::mknodat(parent, name.c_str(), S_IFCHR, 0) == 0) return owners_.add(record);
  if (errno != EEXIST) throw base::os_error("making the whiteout ", base::quoted(hidden.text));
  // It hides what is below, never what this layer has itself; that part is hidden already unless directories merge.
  const int dir = tree_.open_existing(hidden.text);
  if (dir < 0) return;
  set_opaque(hidden.text, dir);
  if (const auto pending = directories_.find(hidden.text); pending != directories_.end())
    pending->second.implied = false;  // a new directory, not the one of the layers below
}

void LayerWriter::set_opaque(const std::string& path, int dir) {
  hides_all_below_ = hides_all_below_ || path.empty();  // overlay asks no root of a layer
  // Read by overlay with "userxattr" and by fuse-overlayfs. Source: Linux Documentation/filesystems/overlayfs.rst.
  if (::fsetxattr(dir, "user.overlay.opaque", "y", 1, 0) != 0)
    throw base::os_error("marking ", base::quoted(path), " as opaque");
  owners_.add({.type = OwnerRecord::Type::opaque, .path = path.empty() ? "." : path});
}

void LayerWriter::add_directory(const tar::Entry& entry, const LayerPath& path) {
  LayerTree::Replaced replaced = LayerTree::Replaced::nothing;
  if (!path.is_root()) replaced = tree_.make_directory(tree_.open_or_make(path.directory()), path);
  const int dir = tree_.open_or_make(path.text);
  if (policy_ == OwnerPolicy::mapped) give_to_owner(dir, "", entry);
  set_xattrs(dir, entry, false);
  note_directory(path.text, {entry.mode, entry.mtime});
  owners_.add(record_of(OwnerRecord::Type::directory, entry, path));
  if (replaced == LayerTree::Replaced::whiteout && markers_ == Markers::whiteouts) set_opaque(path.text, dir);
}

void LayerWriter::add_file(const tar::Entry& entry, const LayerPath& path, tar::Reader& archive) {
  budget_.take_bytes(entry.size);
  OwnerRecord record = record_of(OwnerRecord::Type::file, entry, path);
  const int parent = tree_.open_or_make(path.directory());
  base::UniqueFd fd;
  create(parent, path, [&](const char* name) {
    fd = base::UniqueFd{::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    return fd ? 0 : -1;
  });
  record.sha256_hex = write_content(fd.get(), entry, archive);
  free_space_.note(entry.size);
  const std::string_view capabilities = set_xattrs(fd.get(), entry, true);
  // Changing the owner clears setuid bits and capabilities, so it comes first.
  if (entry.uid != 0 || entry.gid != 0) give_to_owner(fd.get(), "", entry);
  if (::fchmod(fd.get(), entry.mode) != 0) throw base::os_error("setting mode of ", base::quoted(path.text));
  if (!capabilities.empty()) set_capabilities(fd.get(), capabilities, record);
  set_times(fd.get(), entry.mtime, path.text);
  result_.unpacked_bytes += entry.size;
  owners_.add(record);
}

void LayerWriter::add_symlink(const tar::Entry& entry, const LayerPath& path) {
  if (entry.link.empty() || entry.link.size() > max_symlink_bytes || entry.link.find('\0') != std::string::npos)
    throw base::make_error(base::ErrorKind::corrupt, "the symbolic link ", base::quoted(path.text),
                           " has no valid target");
  const int parent = tree_.open_or_make(path.directory());
  create(parent, path, [&](const char* name) { return ::symlinkat(entry.link.c_str(), parent, name); });
  const std::string name = path.name();
  if (entry.uid != 0 || entry.gid != 0) give_to_owner(parent, name.c_str(), entry);
  if (::utimensat(parent, name.c_str(), times_of(entry.mtime).data(), AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("setting times of ", base::quoted(path.text));
  result_.dropped_xattrs += entry.xattrs.size();  // the kernel keeps user.* on files and directories only
  OwnerRecord record = record_of(OwnerRecord::Type::symlink, entry, path);
  record.link = entry.link;
  owners_.add(record);
}

void LayerWriter::add_hard_link(const tar::Entry& entry, const LayerPath& path) {
  const LayerPath target = parse_layer_path(entry.link, limits_);
  if (skipped_.contains(target.text)) return static_cast<void>(++result_.skipped_devices);
  const auto refuse = [&](std::string_view why) {
    return base::make_error(base::ErrorKind::corrupt, "the hard link ", base::quoted(path.text), " to ",
                            base::quoted(target.text), ": ", why);
  };
  if (target.text.starts_with(path.text + "/")) throw refuse("it would replace a directory above its target");
  // A copy, because looking the target up may push the directory out of the cache.
  const base::UniqueFd parent = base::duplicate(tree_.open_or_make(path.directory()));
  const int target_parent = target.is_root() ? -1 : tree_.open_existing(target.directory());
  const std::string target_name = target.name();
  struct stat facts;
  if (target_parent < 0 || ::fstatat(target_parent, target_name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
    throw refuse("its target is not in this layer");
  if (!S_ISREG(facts.st_mode) && !S_ISLNK(facts.st_mode))
    throw refuse("its target is neither a file nor a symbolic link");
  if (target.text == path.text) return;
  create(parent.get(), path, [&](const char* name) {
    return ::linkat(target_parent, target_name.c_str(), parent.get(), name, 0);  // no AT_SYMLINK_FOLLOW
  });
  OwnerRecord record = record_of(OwnerRecord::Type::hard_link, entry, path);
  record.link = target.text;
  owners_.add(record);
}

void LayerWriter::add_fifo(const tar::Entry& entry, const LayerPath& path) {
  const int parent = tree_.open_or_make(path.directory());
  create(parent, path, [&](const char* name) { return ::mknodat(parent, name, S_IFIFO | 0600, 0); });
  // Opening for reading without blocking succeeds at once. Source: fifo(7).
  const base::UniqueFd fd{::openat(parent, path.name().c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path.text));
  if (entry.uid != 0 || entry.gid != 0) give_to_owner(fd.get(), "", entry);
  if (::fchmod(fd.get(), entry.mode) != 0) throw base::os_error("setting mode of ", base::quoted(path.text));
  set_times(fd.get(), entry.mtime, path.text);
  result_.dropped_xattrs += entry.xattrs.size();
  owners_.add(record_of(OwnerRecord::Type::fifo, entry, path));
}

void LayerWriter::add_device(const tar::Entry& entry, const LayerPath& path) {
  if (markers_ == Markers::whiteouts && entry.type == tar::EntryType::character_device && entry.device_major == 0 &&
      entry.device_minor == 0)
    throw base::make_error(base::ErrorKind::corrupt, "the archive has the overlay whiteout device ",
                           base::quoted(path.text));
  ++result_.skipped_devices;  // no user namespace may make one
  if (skipped_.size() < max_skipped) skipped_.insert(path.text);
}

void LayerWriter::count_entry() {
  ++result_.entries;
  budget_.take_entry();
  free_space_.note(0);
}

void LayerWriter::note_directory(const std::string& path, const PendingDirectory& pending) {
  const auto [place, is_new] = directories_.insert_or_assign(path, pending);
  if (!is_new) return;
  directories_bytes_ += path.size() + sizeof *place + 4 * sizeof(void*);
  if (directories_bytes_ > max_directories_bytes)
    throw base::make_error(base::ErrorKind::corrupt, "the layer has too many directories");
}

void LayerWriter::note_made_directory(const std::string& path, int dir, bool whiteout) {
  count_entry();
  note_directory(path, {0755, {}, !whiteout});
  owners_.add({.type = OwnerRecord::Type::directory, .path = path, .mode = 0755});
  if (whiteout && markers_ == Markers::whiteouts) set_opaque(path, dir);
}

void LayerWriter::forget_directories(const std::string& path) {
  directories_.erase(path);
  // "0" is the character after "/".
  directories_.erase(directories_.lower_bound(path + "/"), directories_.lower_bound(path + "0"));
}

template <class Make>
void LayerWriter::create(int parent, const LayerPath& path, const Make& make) {
  const std::string name = path.name();
  if (make(name.c_str()) == 0) return;
  if (errno != EEXIST) throw base::os_error("creating ", base::quoted(path.text));
  tree_.remove(parent, path);
  forget_directories(path.text);
  if (make(name.c_str()) != 0) throw base::os_error("creating ", base::quoted(path.text));
}

std::string_view LayerWriter::set_xattrs(int fd, const tar::Entry& entry, bool is_file) {
  std::string_view capabilities;
  std::size_t total_bytes = 0;
  if (entry.xattrs.size() > limits_.max_xattrs)
    throw base::make_error(base::ErrorKind::corrupt, base::quoted(entry.path), " has more than ", limits_.max_xattrs,
                           " extended attributes")
        .with_hint(UnpackBudget::hint);
  for (const auto& [name, value] : entry.xattrs) {
    total_bytes += name.size() + value.size();
    if (total_bytes > limits_.max_xattr_bytes)
      throw base::make_error(base::ErrorKind::corrupt, base::quoted(entry.path),
                             " has extended attributes of more than ", limits_.max_xattr_bytes, " bytes")
          .with_hint(UnpackBudget::hint);
    if (name == "security.capability" && is_file) {
      capabilities = value;
    } else if (!name.starts_with("user.") || is_driver_xattr(name) ||
               ::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) {
      ++result_.dropped_xattrs;  // not allowed, or more than this file system keeps
    }
  }
  return capabilities;
}

void LayerWriter::set_capabilities(int fd, std::string_view value, OwnerRecord& record) {
  record.capabilities_hex = base::to_hex(value.data(), value.size());
  // The kernel refuses the first version of the format, and everybody without CAP_SETFCAP over the owner.
  if (::fsetxattr(fd, "security.capability", value.data(), value.size(), 0) != 0) ++result_.dropped_xattrs;
}

void LayerWriter::give_to_owner(int dir, const char* name, const tar::Entry& entry) {
  if (policy_ == OwnerPolicy::single) return;
  if (::fchownat(dir, name, entry.uid, entry.gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0) return;
  if (errno != EINVAL) throw base::os_error("changing the owner of ", base::quoted(entry.path));
  throw base::make_error(base::ErrorKind::unsupported, base::quoted(entry.path), " belongs to ", entry.uid, ":",
                         entry.gid, ", which this user namespace does not have")
      .with_hint("give this user more ids in /etc/subuid and /etc/subgid");
}

OwnerRecord LayerWriter::record_of(OwnerRecord::Type type, const tar::Entry& entry, const LayerPath& path) const {
  return {.type = type,
          .path = path.is_root() ? "." : path.text,
          .mode = entry.mode,
          .uid = entry.uid,
          .gid = entry.gid,
          .size_bytes = entry.size,
          .mtime_seconds = entry.mtime.seconds,
          .mtime_nanoseconds = entry.mtime.nanoseconds};
}

}  // namespace storage
