#include "storage/unpack_content.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace storage {
namespace {

constexpr std::array<char, 64 * 1024> zeros{};

void hash_zeros(base::Sha256& hash, std::uint64_t count) {
  for (; count > zeros.size(); count -= zeros.size()) hash.update(zeros.data(), zeros.size());
  hash.update(zeros.data(), static_cast<std::size_t>(count));
}

void write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view path) {
  if (::lseek(fd, static_cast<off_t>(offset), SEEK_SET) < 0) throw base::os_error("seeking in ", base::quoted(path));
  base::with_context([&] { base::write_all(fd, bytes); }, "writing ", base::quoted(path));
}

}  // namespace

std::string write_content(int fd, const tar::Entry& entry, tar::Reader& archive) {
  base::Sha256 hash;
  std::uint64_t end = 0;  // of what was hashed
  if (!entry.sparse) {
    for (std::string_view bytes = archive.data(); !bytes.empty(); bytes = archive.data()) {
      base::with_context([&] { base::write_all(fd, bytes); }, "writing ", base::quoted(entry.path));
      hash.update(bytes);
    }
    end = entry.size;
  }
  std::string_view bytes;
  for (const tar::SparseSpan& span : entry.spans) {
    hash_zeros(hash, span.offset - end);
    for (end = span.offset; end < span.offset + span.size; end += bytes.size()) {
      bytes = archive.data(static_cast<std::size_t>(std::min<std::uint64_t>(span.offset + span.size - end, SIZE_MAX)));
      write_at(fd, end, bytes, entry.path);
      hash.update(bytes);
    }
  }
  if (end < entry.size || entry.sparse) {
    hash_zeros(hash, entry.size - end);
    if (::ftruncate(fd, static_cast<off_t>(entry.size)) != 0)
      throw base::os_error("making the holes of ", base::quoted(entry.path));
  }
  return std::string{hash.finish().hex()};
}

}  // namespace storage
