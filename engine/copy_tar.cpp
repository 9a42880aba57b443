#include "engine/copy_tar.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/error.hpp"

namespace engine {

std::string CopyTarSink::path_of(const std::string& path) const {
  return name_.empty() ? path : path.empty() ? name_ : base::concat(name_, "/", path);
}

void CopyTarSink::put(const storage::StreamedEntry& entry, int content) {
  storage::tar::PackedEntry packed;
  packed.path = path_of(entry.path);
  if (packed.path.empty()) return;
  switch (entry.type) {
    case 'd':
      packed.type = '5';
      packed.path += '/';
      break;
    case 'l':
      packed.type = '2';
      packed.link = entry.link;
      break;
    case 'h':
      packed.type = '1';
      packed.link = path_of(entry.link);
      break;
    case 'p':
      packed.type = '6';
      break;
    default:
      packed.type = '0';
      packed.size = entry.size;
  }
  packed.mode = entry.mode;
  packed.uid = entry.uid;
  packed.gid = entry.gid;
  packed.mtime = {entry.mtime_seconds, 0};
  packed.xattrs = entry.xattrs;
  writer_.add(packed);
  if (entry.type == 'f') write_content(content);
}

/// As many bytes as were promised, however the file changes meanwhile.
void CopyTarSink::write_content(int content) {
  std::string buffer(128UL * 1024, '\0');
  while (const std::uint64_t missing = writer_.missing_bytes()) {
    const ssize_t got = ::read(content, buffer.data(), std::min<std::uint64_t>(buffer.size(), missing));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading");
    if (got == 0) break;
    writer_.write({buffer.data(), static_cast<std::size_t>(got)});
  }
  writer_.fill_up();
}

}  // namespace engine
