#include "base/path_in_root.hpp"

#include <array>
#include <climits>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/path_walk.hpp"
#include "base/text.hpp"

namespace base {
namespace {

constexpr int max_retries = 128;  // a rename beside us makes the kernel give up with EAGAIN
constexpr int max_links = 40;     // as the kernel's own MAXSYMLINKS

#ifdef FSROOT_UNSAFE
// As programs do that only put the root in front of a path: links lead wherever they say.
std::string relative_to_root(const std::string& path) {
  const std::size_t start = path.find_first_not_of('/');
  return start == std::string::npos ? "." : path.substr(start);
}

UniqueFd open_resolved(int root, const std::string& path, int flags, mode_t mode, std::uint64_t) {
  return UniqueFd{::openat(root, relative_to_root(path).c_str(), flags | O_CLOEXEC, mode)};
}

void make_folders_naively(int root, const std::string& path, mode_t mode) {
  const std::string relative = relative_to_root(path);
  for (std::size_t end = relative.find('/'); end != std::string::npos; end = relative.find('/', end + 1))
    ::mkdirat(root, relative.substr(0, end).c_str(), mode);
}
#else
UniqueFd open_resolved(int root, const std::string& path, int flags, mode_t mode, std::uint64_t resolve) {
  const bool may_create = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const open_how how{.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC)),
                     .mode = may_create ? mode : 0,  // openat2 refuses a mode that means nothing
                     .resolve = resolve};
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd < 0 && errno == ENOSYS) return walk_path(root, path, flags, mode, resolve);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt >= max_retries) return UniqueFd{static_cast<int>(fd)};
  }
}
#endif

UniqueFd open_inside(int root, const std::string& path, int flags, mode_t mode = 0) {
  return open_resolved(root, path.empty() ? "." : path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

bool is_absent(int code) {
  return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

/// What opening a socket, a device without driver, a foreign process's file in /proc and the like ends with.
bool is_no_usual_file(int code) {
  return code == ENXIO || code == ENODEV || code == EACCES || code == EPERM || code == EISDIR;
}

/// One component of a directory we hold: no link, and nothing but a child.
UniqueFd open_component(int parent, const std::string& name, int flags) {
  return open_resolved(parent, name, flags | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/// Where the link `name` points, or nothing when it is none.
std::optional<std::string> read_link(int parent, const std::string& name) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
  if (size <= 0) return std::nullopt;
  return std::string{target.data(), static_cast<std::size_t>(size)};
}

/// A path whose link at `name` below `prefix` was followed by us: it is resolved again from the root, as any other.
std::string follow(std::string_view prefix, const std::string& target, std::string_view rest) {
  if (!target.empty() && target[0] == '/') return concat(target, "/", rest);
  return concat(prefix, "/", target, "/", rest);
}

struct Progress {
  MadeDirectory directory;
  std::optional<std::string> redirected;  ///< A dangling link was met: start again with this path.
};

/// Makes what is missing of `path`, one component at a time on the descriptor of the one before.
Progress make_missing(int root, const std::string& path, mode_t mode) {
  UniqueFd current = open_in_root(root, "/", O_PATH | O_DIRECTORY);
  std::string walked;  // what of `path` exists and lies behind us
  bool in_new_part = false, made = false;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string name{rest.substr(0, end)};
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty() || name == ".") continue;
    if (name == ".." && in_new_part)
      throw make_error(ErrorKind::invalid_argument, "making directory ", quoted(path), ": \"..\" after a missing part");
    const std::string next_path = concat(walked, "/", name);
    if (!in_new_part) {
      if (UniqueFd next = open_inside(root, next_path, O_PATH | O_DIRECTORY)) {
        current = std::move(next);
        walked = next_path;
        continue;
      }
      if (errno != ENOENT) throw os_error("opening directory ", quoted(next_path));
    }
    made = ::mkdirat(current.get(), name.c_str(), mode) == 0;
    if (!made && errno != EEXIST) throw os_error("making directory ", quoted(next_path));
    UniqueFd next = open_component(current.get(), name, O_PATH | O_DIRECTORY);
    if (!next) {
      const int code = errno;
      if (const auto target = read_link(current.get(), name)) return {{}, follow(walked, *target, rest)};
      throw error_from_code(code, concat("opening directory ", quoted(next_path)));
    }
    current = std::move(next);
    walked = next_path;
    in_new_part = true;
  }
  return {{std::move(current), made}, std::nullopt};
}

/// "etc/resolv.conf" to {"etc", "resolv.conf"}; the name is empty, "." or ".." when no file can be meant.
std::pair<std::string, std::string> split_last(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

UniqueFd open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd = open_inside(root, path, flags, mode);
  if (!fd) throw os_error("opening ", quoted(path), " in the root file system");
  return fd;
}

UniqueFd try_open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd = open_inside(root, path, flags, mode);
  if (!fd && !is_absent(errno)) throw os_error("opening ", quoted(path), " in the root file system");
  return fd;
}

UniqueFd open_beneath(int root, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd = open_resolved(root, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  if (!fd) throw os_error("opening ", quoted(path));
  return fd;
}

MadeDirectory make_directories_in_root(int root, const std::string& path, mode_t mode) {
#ifdef FSROOT_UNSAFE
  make_folders_naively(root, path + "/", mode);
#endif
  if (UniqueFd fd = open_inside(root, path, O_PATH | O_DIRECTORY)) return {std::move(fd), false};
  std::string wanted = path;
  for (int links = 0; links <= max_links; ++links) {
    Progress progress = make_missing(root, wanted, mode);
    if (!progress.redirected) return std::move(progress.directory);
    wanted = std::move(*progress.redirected);
  }
  throw error_from_code(ELOOP, concat("making directory ", quoted(path)));
}

UniqueFd make_file_in_root(int root, const std::string& path, mode_t mode) {
#ifdef FSROOT_UNSAFE
  make_folders_naively(root, path, 0755);
  static_cast<void>(UniqueFd{::openat(root, relative_to_root(path).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, mode)});
#endif
  std::string wanted = path;
  for (int links = 0; links <= max_links; ++links) {
    if (UniqueFd fd = open_inside(root, wanted, O_PATH)) return fd;
    if (errno != ENOENT) throw os_error("opening ", quoted(wanted), " in the root file system");
    const auto [directory_path, name] = split_last(wanted);
    if (name.empty() || name == "." || name == "..")
      throw make_error(ErrorKind::invalid_argument, "making file ", quoted(path), ": this names no file");
    const MadeDirectory directory = make_directories_in_root(root, directory_path, 0755);
    if (::mknodat(directory.fd.get(), name.c_str(), S_IFREG | mode, 0) != 0 && errno != EEXIST)
      throw os_error("making file ", quoted(wanted));
    if (const auto target = read_link(directory.fd.get(), name)) {
      wanted = follow(directory_path, *target, "");
      wanted.pop_back();  // the "/" before the empty rest
      continue;
    }
    UniqueFd fd = open_component(directory.fd.get(), name, O_PATH);
    if (!fd) throw os_error("opening ", quoted(wanted), " in the root file system");
    return fd;
  }
  throw error_from_code(ELOOP, concat("making file ", quoted(path)));
}

std::string read_small_file_in_root(int root, const std::string& path, std::size_t limit_bytes) {
  const UniqueFd fd = open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!fd && !is_absent(errno) && !is_no_usual_file(errno))
    throw os_error("opening ", quoted(path), " in the root file system");
  if (!fd) return {};
  if (::fstat(fd.get(), &status) != 0) throw os_error("looking at ", quoted(path));
  if (!S_ISREG(status.st_mode)) return {};
  return with_context([&] { return read_to_end(fd.get(), limit_bytes); }, "reading ", quoted(path));
}

}  // namespace base
