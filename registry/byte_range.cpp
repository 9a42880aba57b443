#include "registry/byte_range.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

std::size_t read_at(int fd, char* buffer, std::size_t size, std::uint64_t position) {
  while (true) {
    const ssize_t got = ::pread(fd, buffer, size, static_cast<off_t>(position));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw base::os_error("reading an image file");
  }
}

}  // namespace

std::string read_piece(const ByteRange& range, std::uint64_t position, std::size_t count) {
  if (position >= range.size_bytes) return {};
  std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(count, range.size_bytes - position)), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const std::size_t got =
        read_at(range.file->get(), text.data() + filled, text.size() - filled, range.offset + position + filled);
    if (got == 0) throw base::Error(base::ErrorKind::corrupt, "the file ends early");
    filled += got;
  }
  return text;
}

std::string read_range(const ByteRange& range, std::size_t limit_bytes, std::string_view what) {
  if (range.size_bytes > limit_bytes)
    throw base::make_error(base::ErrorKind::corrupt, what, " is longer than ", limit_bytes, " bytes");
  return base::with_context([&] { return read_piece(range, 0, limit_bytes); }, "reading ", what);
}

void stream_range(const ByteRange& range, std::uint64_t skip, base::Sink& sink) {
  if (skip > range.size_bytes) throw base::Error(base::ErrorKind::corrupt, "the file is shorter than expected");
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  std::uint64_t position = skip;
  while (position < range.size_bytes) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, range.size_bytes - position));
    const std::size_t got = read_at(range.file->get(), buffer.get(), wanted, range.offset + position);
    if (got == 0) throw base::Error(base::ErrorKind::corrupt, "the file ends early");
    sink.write({buffer.get(), got});
    position += got;
  }
}

}  // namespace registry
