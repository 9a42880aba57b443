#include "storage/small_files.hpp"

#include <algorithm>
#include <dirent.h>
#include <memory>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"

namespace storage {

namespace {
constexpr std::size_t first_read_bytes = 16 * 1024;

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

}  // namespace

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

std::vector<std::string> names_in(int dir, const char* folder) {
  base::UniqueFd fd = base::open_directory(dir, folder);
  const std::unique_ptr<DIR, CloseDirectory> stream{::fdopendir(fd.get())};
  if (!stream) throw base::os_error("reading directory ", base::quoted(folder));
  [[maybe_unused]] const int owned_by_stream = fd.release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) throw base::os_error("reading directory ", base::quoted(folder));
    if (entry == nullptr) return names;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

}  // namespace storage
