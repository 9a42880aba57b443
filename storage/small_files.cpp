#include "storage/small_files.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"

namespace storage {

namespace {
constexpr std::size_t first_read_bytes = 16 * 1024;
}

std::optional<std::string_view> SmallFiles::read(int dir, const std::string& path, std::size_t limit_bytes) {
  const auto file = base::try_open_file(dir, path);
  if (!file) return std::nullopt;
  return base::with_context(
      [&]() -> std::string_view {
        if (buffer_.size() < first_read_bytes) buffer_.resize(first_read_bytes);
        const std::size_t got = base::read_some(file->get(), buffer_.data(), first_read_bytes);
        // A regular file gives less than was asked for at its end only.
        if (got < first_read_bytes && got <= limit_bytes) return {buffer_.data(), got};
        const std::string rest = base::read_to_end(file->get(), limit_bytes - std::min(got, limit_bytes));
        buffer_.replace(got, std::string::npos, rest);
        return buffer_;
      },
      "reading ", base::quoted(path));
}

}  // namespace storage
