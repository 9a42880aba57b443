#include "storage/tree_stream.hpp"

#include <array>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "storage/union_walk.hpp"

namespace storage {
namespace {

constexpr std::size_t max_attribute_bytes = 64 * 1024;
constexpr std::size_t max_sent_attribute_bytes = 32 * 1024;  // together; what is more does not fit into a message

void add_number(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void add_text(std::string& bytes, std::string_view text) {
  add_number(bytes, text.size());
  bytes.append(text);
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    std::uint64_t number = 0;
    take(sizeof number).copy(reinterpret_cast<char*>(&number), sizeof number);
    return number;
  }
  std::string text() { return std::string{take(number())}; }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) throw base::make_error(base::ErrorKind::internal, "half an entry of a tree came");
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  std::string_view bytes_;
};

/// Those that podman copies. @param fd  Of a file or directory.
std::vector<std::pair<std::string, std::string>> kept_attributes(int fd) {
  std::vector<std::pair<std::string, std::string>> attributes;
  std::array<char, max_attribute_bytes> names;
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  std::size_t total = 0;
  for (ssize_t start = 0; start < size;) {
    const std::string name = names.data() + start;
    start += static_cast<ssize_t>(name.size()) + 1;
    const bool is_kept = name.starts_with("user.") || name == "security.capability";
    if (!is_kept || name.starts_with("user.overlay.")) continue;
    std::string value(max_attribute_bytes, '\0');
    const ssize_t got = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (got < 0) continue;  // taken away meanwhile
    value.resize(static_cast<std::size_t>(got));
    total += name.size() + value.size();
    if (total > max_sent_attribute_bytes) break;
    attributes.emplace_back(name, std::move(value));
  }
  return attributes;
}

base::Error cannot_open(const std::string& name) {
  return base::os_error("opening ", base::quoted(name));
}

/// By the name alone; what is no regular file any more is closed again. Waits for nobody.
base::UniqueFd open_own(int dir, const std::string& name, struct stat& info) {
  base::UniqueFd file{::openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return {};
  if (!file) throw cannot_open(name);
  if (::fstat(file.get(), &info) != 0) throw base::os_error("looking at ", base::quoted(name));
  return S_ISREG(info.st_mode) ? std::move(file) : base::UniqueFd{};
}

/// What is no regular file is never opened: opening a device or a FIFO can do something, or wait.
base::UniqueFd open_regular(int dir, const std::string& name, struct stat& info) {
  const base::UniqueFd place{::openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!place && (errno == ENOENT || errno == ENOTDIR)) return {};
  if (!place) throw cannot_open(name);
  if (::fstat(place.get(), &info) != 0) throw base::os_error("looking at ", base::quoted(name));
  if (!S_ISREG(info.st_mode)) return {};
  base::UniqueFd file{::open(base::concat("/proc/self/fd/", place.get()).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!file) throw cannot_open(name);
  return file;
}

class Sender final : public UnionVisitor {
 public:
  Sender(EntrySink& sink, SendFrom from) : sink_(sink), from_(from) {}

  bool visit(const UnionEntry& entry) override {
    return base::with_context([&] { return send(entry.dir, entry.name, entry.path, entry.info); }, "copying ",
                              base::quoted(entry.path));
  }

  void send_root(int dir) {
    struct stat info {};
    if (::fstat(dir, &info) != 0) throw base::os_error("looking at the directory");
    StreamedEntry sent = describe('d', "", info);
    sent.xattrs = kept_attributes(dir);
    sink_.put(sent, -1);
  }

  bool send(int dir, const std::string& name, const std::string& path, const struct stat& info) {
    if (S_ISDIR(info.st_mode)) {
      const base::UniqueFd fd{::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
      if (!fd && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) throw base::os_error("opening");
      if (!fd) return false;
      StreamedEntry sent = describe('d', path, info);
      sent.xattrs = kept_attributes(fd.get());
      sink_.put(sent, -1);
      return true;
    }
    if (S_ISREG(info.st_mode))
      send_regular(dir, name, path);
    else if (S_ISLNK(info.st_mode))
      send_link(dir, name, path, info);
    else if (S_ISFIFO(info.st_mode))
      sink_.put(describe('p', path, info), -1);
    else
      ++left_out;
    return false;
  }
  std::uint64_t left_out = 0;

 private:
  static StreamedEntry describe(char type, const std::string& path, const struct stat& info) {
    return {.type = type,
            .path = path,
            .link = {},
            .mode = info.st_mode & 07777,
            .uid = info.st_uid,
            .gid = info.st_gid,
            .size = type == 'f' ? static_cast<std::uint64_t>(info.st_size) : 0,
            .mtime_seconds = info.st_mtim.tv_sec,
            .mtime_nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec),
            .xattrs = {}};
  }

  void send_regular(int dir, const std::string& name, const std::string& path) {
    struct stat info {};
    const base::UniqueFd file =
        from_ == SendFrom::own_files ? open_own(dir, name, info) : open_regular(dir, name, info);
    if (!file) return;
    if (info.st_nlink > 1) {
      const auto [first, is_new] = first_names_.try_emplace({info.st_dev, info.st_ino}, path);
      if (!is_new) {
        StreamedEntry sent = describe('h', path, info);
        sent.link = first->second;
        return sink_.put(sent, -1);
      }
    }
    StreamedEntry sent = describe('f', path, info);
    sent.xattrs = kept_attributes(file.get());
    sink_.put(sent, file.get());
  }

  void send_link(int dir, const std::string& name, const std::string& path, const struct stat& info) {
    std::array<char, 4096> text;  // PATH_MAX; the kernel makes no longer ones
    const ssize_t size = ::readlinkat(dir, name.c_str(), text.data(), text.size());
    if (size < 0 && (errno == ENOENT || errno == EINVAL)) return;
    if (size < 0) throw base::os_error("reading the link");
    StreamedEntry sent = describe('l', path, info);
    sent.link.assign(text.data(), static_cast<std::size_t>(size));
    sink_.put(sent, -1);
  }

  EntrySink& sink_;
  SendFrom from_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

}  // namespace

std::string encode_entry(const StreamedEntry& entry) {
  std::string bytes;
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(entry.type), std::uint64_t{entry.mode}, std::uint64_t{entry.uid},
        std::uint64_t{entry.gid}, entry.size, static_cast<std::uint64_t>(entry.mtime_seconds),
        std::uint64_t{entry.mtime_nanoseconds}, static_cast<std::uint64_t>(entry.xattrs.size())})
    add_number(bytes, number);
  add_text(bytes, entry.path);
  add_text(bytes, entry.link);
  for (const auto& [name, value] : entry.xattrs) {
    add_text(bytes, name);
    add_text(bytes, value);
  }
  if (bytes.size() > base::Channel::max_message_bytes - 16)
    throw base::make_error(base::ErrorKind::unsupported, "the path or the attributes are too long");
  return bytes;
}

StreamedEntry decode_entry(std::string_view bytes) {
  Decoder decoder(bytes);
  StreamedEntry entry;
  entry.type = static_cast<char>(decoder.number());
  entry.mode = static_cast<std::uint32_t>(decoder.number());
  entry.uid = static_cast<std::uint32_t>(decoder.number());
  entry.gid = static_cast<std::uint32_t>(decoder.number());
  entry.size = decoder.number();
  entry.mtime_seconds = static_cast<std::int64_t>(decoder.number());
  entry.mtime_nanoseconds = static_cast<std::uint32_t>(decoder.number());
  const std::uint64_t attributes = decoder.number();
  entry.path = decoder.text();
  entry.link = decoder.text();
  for (std::uint64_t index = 0; index < attributes; ++index) {
    std::string name = decoder.text();
    entry.xattrs.emplace_back(std::move(name), decoder.text());
  }
  return entry;
}

std::uint64_t send_directory(int dir, EntrySink& sink, SendFrom from) {
  const auto sender = std::make_unique<Sender>(sink, from);
  sender->send_root(dir);
  std::vector<base::UniqueFd> trees;
  trees.push_back(base::open_directory(dir, "."));
  walk_union(trees, UnionScope::everything, *sender);
  return sender->left_out;
}

std::uint64_t send_file(int dir, const std::string& name, EntrySink& sink, SendFrom from) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("looking at ", base::quoted(name));
  const auto sender = std::make_unique<Sender>(sink, from);
  sender->send(dir, name, "", info);
  return sender->left_out;
}

}  // namespace storage
