#include "storage/blobs.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

/// blobs/sha256/ab, made when it is missing.
base::UniqueFd open_blob_dir(const Store& store, const base::Digest& digest) {
  return base::make_directory(store.root(), layout::blob_dir(digest));
}

}  // namespace

std::optional<base::UniqueFd> open_blob(const Store& store, const base::Digest& digest) {
  const std::string path = layout::blob(digest);
  return base::try_open_file(store.root_having(path), path);
}

bool has_blob(const Store& store, const base::Digest& digest) {
  const std::string path = layout::blob(digest);
  return base::exists(store.root_having(path), path);
}

std::string read_blob(const Store& store, const base::Digest& digest, std::size_t limit_bytes) {
  const auto fd = open_blob(store, digest);
  if (!fd) throw base::make_error(base::ErrorKind::not_found, "blob ", digest, " is not in the store");
  std::string bytes =
      base::with_context([&] { return base::read_to_end(fd->get(), limit_bytes); }, "reading blob ", digest);
  if (base::sha256(bytes) != digest) {
    throw base::Error{base::ErrorKind::corrupt, base::concat("blob ", digest, " is damaged in the store"),
                      "remove the image and pull it again"};
  }
  return bytes;
}

BlobWriter::BlobWriter(const Store& store, int staging_dir, base::Digest expected,
                       std::optional<std::uint64_t> size_bytes)
    : store_(store),
      expected_(std::move(expected)),
      size_bytes_(size_bytes),
      dir_(staging_dir),
      name_(base::concat("blob-", expected_.short_hex(), "-", base::random_hex(6))),
      fd_(::openat(staging_dir, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444)) {
  if (!fd_) throw base::os_error("creating ", base::quoted(name_));
}

BlobWriter::BlobWriter(const Store& store, PartialBlob partial, base::Digest expected, std::uint64_t size_bytes)
    : store_(store),
      expected_(std::move(expected)),
      size_bytes_(size_bytes),
      written_(partial.size_bytes()),
      keeps_bytes_(true),
      own_dir_(std::move(partial).take_folder()),
      dir_(own_dir_.get()),
      name_(partial.name()),
      fd_(std::move(partial).take_fd()) {}

BlobWriter::~BlobWriter() {
  if (!name_.empty() && (!keeps_bytes_ || written_ == 0)) ::unlinkat(dir_, name_.c_str(), 0);
}

void BlobWriter::replay(base::Sink& also) {
  constexpr std::size_t step_bytes = 1024 * 1024;
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(step_bytes, written_)), '\0');
  for (std::uint64_t done = 0; done < written_;) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), written_ - done));
    const ssize_t count = ::pread(fd_.get(), buffer.data(), wanted, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      throw base::make_error(base::ErrorKind::corrupt, "what was kept of blob ", expected_, " cannot be read");
    const std::string_view bytes{buffer.data(), static_cast<std::size_t>(count)};
    hash_.update(bytes);
    also.write(bytes);
    done += bytes.size();
  }
}

void BlobWriter::write(std::string_view bytes) {
  if (size_bytes_ && bytes.size() > *size_bytes_ - written_) {
    throw base::make_error(base::ErrorKind::corrupt, "blob ", expected_, " is longer than the promised ", *size_bytes_,
                           " bytes");
  }
  base::with_context([&] { base::write_all(fd_.get(), bytes); }, "storing blob ", expected_);
  hash_.update(bytes);
  written_ += bytes.size();
}

void BlobWriter::verify() {
  if (verified_) return;
  if (size_bytes_ && written_ != *size_bytes_) {
    throw base::make_error(base::ErrorKind::corrupt, "blob ", expected_, " ended after ", written_, " of ",
                           *size_bytes_, " bytes");
  }
  const base::Digest actual = hash_.finish();
  if (actual != expected_) {
    throw base::make_error(base::ErrorKind::corrupt, "blob ", expected_, " has the digest ", actual);
  }
  verified_ = true;
}

void BlobWriter::commit() {
  if (!verified_) throw base::make_error(base::ErrorKind::internal, "blob ", expected_, " was not verified");
  const base::UniqueFd dir = open_blob_dir(store_, expected_);
  if (::fchmod(fd_.get(), 0444) != 0) throw base::os_error("closing blob ", expected_, " to writers");
  base::rename_replace(dir_, name_, dir.get(), std::string{expected_.hex()});
  name_.clear();
}

void put_blob(const Store& store, const base::Digest& digest, std::string_view bytes) {
  if (base::exists(store.root(), layout::blob(digest))) return;  // in a shared store is not enough: it may go away
  const GcHold hold = store.hold_garbage();  // the collector takes temporary files for leftovers of killed processes
  const base::UniqueFd dir = open_blob_dir(store, digest);
  const std::string temporary = base::concat(".", digest.hex(), ".", base::random_hex(6));
  const base::UniqueFd fd{
      ::openat(dir.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444)};
  if (!fd) throw base::os_error("creating ", base::quoted(temporary));
  auto discard = base::on_scope_exit([&] { ::unlinkat(dir.get(), temporary.c_str(), 0); });
  base::with_context([&] { base::write_all(fd.get(), bytes); }, "storing blob ", digest);
  base::flush(fd.get(), temporary);
  base::rename_replace(dir.get(), temporary, dir.get(), std::string{digest.hex()});
  discard.cancel();
}

}  // namespace storage
