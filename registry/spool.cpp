#include "registry/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "registry/output_file.hpp"

namespace registry {

namespace {

constexpr std::uint64_t check_after_bytes = 16ULL << 20;
constexpr const char* limit_hint = "limits are set in engine.conf, table [unpack]; see engine-pull(1)";

/// The kernel keeps it without a name, or it loses that at once where it cannot.
base::UniqueFd open_unnamed(const std::string& folder) {
  base::UniqueFd fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (fd || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)) return fd;
  const base::UniqueFd place{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!place) return {};
  const std::string name = temporary_name("engine");
  fd = base::UniqueFd{::openat(place.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (fd) base::unlink_file(place.get(), name);
  return fd;
}

}  // namespace

Spool::Spool(const SpoolPlace& place) : place_(place), fd_(open_unnamed(place.folder)) {
  if (fd_) return;
  base::Error error = base::os_error("making a temporary file in ", base::quoted(place.folder));
  throw std::move(error).with_hint("TMPDIR, or image_copy_tmp_dir in containers.conf, names another folder");
}

std::uint64_t Spool::room() const {
  struct statvfs status {};
  if (::fstatvfs(fd_.get(), &status) != 0) throw base::os_error("asking for free space");
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  const std::uint64_t kept = std::min(place_.min_free_bytes, std::uint64_t{status.f_blocks} * status.f_frsize / 100);
  return free > kept ? free - kept : 0;
}

void Spool::expect(std::uint64_t size_bytes) const {
  if (size_bytes > place_.max_bytes)
    throw base::make_error(base::ErrorKind::corrupt, "it is longer than ", place_.max_bytes, " bytes")
        .with_hint(limit_hint);
  if (size_bytes > room())
    throw base::make_error(base::ErrorKind::no_space, base::quoted(place_.folder), " has no room for ", size_bytes,
                           " bytes")
        .with_hint("TMPDIR, or image_copy_tmp_dir in containers.conf, names another folder");
}

void Spool::expect_from_compressed(std::uint64_t compressed_bytes) {
  compressed_bytes_ = compressed_bytes;
  expect(compressed_bytes);
}

void Spool::write(std::string_view bytes) {
  const std::uint64_t size_bytes = size_bytes_ + bytes.size();
  if (size_bytes > place_.max_bytes) expect(size_bytes);
  if (compressed_bytes_ != 0 && size_bytes > place_.ratio_after_bytes &&
      size_bytes / place_.max_ratio > compressed_bytes_)
    throw base::make_error(base::ErrorKind::corrupt, "it uncompresses to more than ", place_.max_ratio,
                           " times its size")
        .with_hint(limit_hint);
  unchecked_bytes_ += bytes.size();
  if (size_bytes_ == 0 || unchecked_bytes_ >= check_after_bytes) {
    unchecked_bytes_ = 0;
    expect(std::min(bytes.size() + std::min(check_after_bytes, place_.max_bytes - size_bytes), place_.max_bytes));
  }
  base::write_all(fd_.get(), bytes);
  size_bytes_ = size_bytes;
}

base::UniqueFd Spool::take() {
  if (::lseek(fd_.get(), 0, SEEK_SET) != 0) throw base::os_error("going back to the start of a temporary file");
  return std::move(fd_);
}

}  // namespace registry
