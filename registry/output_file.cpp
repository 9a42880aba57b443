#include "registry/output_file.hpp"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr mode_t file_mode = 0644;  // less what the umask takes away

/// Whether `path` is there and is something else than a file: a pipe, a device.
bool is_special(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  if (S_ISDIR(status.st_mode))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " is a folder")
        .with_hint("the formats oci-dir and docker-dir write to a folder");
  return !S_ISREG(status.st_mode);
}

}  // namespace

FolderAndName split_last_component(const std::string& path) {
  std::string_view rest = path;
  while (rest.size() > 1 && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t slash = rest.rfind('/');
  FolderAndName result{slash == std::string_view::npos ? "." : std::string{rest.substr(0, slash + 1)},
                       std::string{slash == std::string_view::npos ? rest : rest.substr(slash + 1)}};
  if (result.name.empty() || result.name == "." || result.name == "..")
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " names nothing that can be written");
  return result;
}

std::string temporary_name(const std::string& name) {
  std::array<unsigned char, 8> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw base::os_error("asking for random bytes");
  std::string hex;
  for (const unsigned char byte : random) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return base::concat(".", name, ".", hex);
}

OutputFile::OutputFile(std::string path) {
  if (path.empty() || path == "-") {
    fd_ = STDOUT_FILENO;
    return;
  }
  if (is_special(path)) {
    owned_ = base::UniqueFd{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
    if (!owned_) throw base::os_error("opening ", base::quoted(path));
  } else {
    open_beside(path);
  }
  fd_ = owned_.get();
}

void OutputFile::open_beside(const std::string& path) {
  FolderAndName place = split_last_component(path);
  folder_ = base::UniqueFd{::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder_) throw base::os_error("opening the folder ", base::quoted(place.folder));
  name_ = std::move(place.name);
  owned_ = base::UniqueFd{::openat(folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode)};
  if (!owned_) {
    temporary_ = temporary_name(name_);
    owned_ =
        base::UniqueFd{::openat(folder_.get(), temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file_mode)};
    if (!owned_) throw base::os_error("writing to ", base::quoted(path));
  }
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void OutputFile::commit() {
  if (name_.empty()) return;
  base::flush(fd_, name_);
  if (temporary_.empty()) {  // linkat(2) replaces nothing, so it gets a name beside the target for a moment
    const std::string name = temporary_name(name_);
    const std::string self = base::concat("/proc/self/fd/", fd_);
    if (::linkat(AT_FDCWD, self.c_str(), folder_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0)
      throw base::os_error("naming ", base::quoted(name_));
    temporary_ = name;
  }
  base::rename_replace(folder_.get(), temporary_, folder_.get(), name_);
  temporary_.clear();
  base::flush(folder_.get(), "the folder of the archive");
}

}  // namespace registry
