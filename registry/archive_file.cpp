#include "registry/archive_file.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "registry/spool.hpp"

namespace registry {

namespace {

constexpr std::size_t block_bytes = 64 * 1024;

struct ArchiveDeleter {
  void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveDeleter>;

base::Error archive_error(archive* handle) {
  const char* text = archive_error_string(handle);
  return base::make_error(base::ErrorKind::corrupt, text == nullptr ? "cannot be read" : text);
}

/// Only asked for regular files.
std::string first_bytes(int fd) {
  std::array<char, 6> magic{};
  const ssize_t got = ::pread(fd, magic.data(), magic.size(), 0);
  return std::string{magic.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool is_compressed(int fd) {
  const std::string start = first_bytes(fd);
  return start.starts_with("\x1f\x8b") || start.starts_with("\x28\xb5\x2f\xfd") || is_compressed_for_archives_only(fd);
}

}  // namespace

/// libarchive as a decompressor only: the format "raw" is one entry that holds all bytes.
base::UniqueFd uncompressed_copy(int source, const SpoolPlace& place) {
  const ArchiveHandle handle{archive_read_new()};
  if (!handle) throw std::bad_alloc();
  archive_read_support_format_raw(handle.get());
  archive_read_support_format_empty(handle.get());
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_filter_zstd(handle.get());
  archive_read_support_filter_xz(handle.get());
  archive_read_support_filter_bzip2(handle.get());
  if (archive_read_open_fd(handle.get(), source, block_bytes) != ARCHIVE_OK) throw archive_error(handle.get());
  Spool target(place);
  struct stat status {};
  if (::fstat(source, &status) == 0 && S_ISREG(status.st_mode) && is_compressed(source))
    target.expect_from_compressed(static_cast<std::uint64_t>(status.st_size));
  archive_entry* entry = nullptr;
  const int found = archive_read_next_header(handle.get(), &entry);
  if (found == ARCHIVE_EOF) return target.take();
  if (found != ARCHIVE_OK) throw archive_error(handle.get());
  // libarchive undoes one compression after another: a few hundred bytes would become any amount. It counts "none",
  // too.
  if (archive_filter_count(handle.get()) > 2)
    throw base::Error(base::ErrorKind::corrupt, "it is compressed more than once");
  const auto buffer = std::make_unique<char[]>(block_bytes);
  while (true) {
    const la_ssize_t got = archive_read_data(handle.get(), buffer.get(), block_bytes);
    if (got < 0) throw archive_error(handle.get());
    if (got == 0) return target.take();
    target.write({buffer.get(), static_cast<std::size_t>(got)});
  }
}

bool is_compressed_for_archives_only(int fd) {
  const std::string start = first_bytes(fd);
  return start.starts_with("BZh") || start == std::string_view{
                                                  "\xfd"
                                                  "7zXZ\0",
                                                  6};
}

std::shared_ptr<const base::UniqueFd> open_archive_file(const std::string& path, const SpoolPlace& spool) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw base::os_error("looking at ", base::quoted(path));
  if (S_ISDIR(status.st_mode))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " is a folder, not an archive")
        .with_hint("a folder in OCI layout is named with oci:");
  if (!S_ISREG(status.st_mode) || is_compressed(fd.get()))
    fd = base::with_context([&] { return uncompressed_copy(fd.get(), spool); }, "uncompressing ", base::quoted(path));
  return std::make_shared<const base::UniqueFd>(std::move(fd));
}

}  // namespace registry
