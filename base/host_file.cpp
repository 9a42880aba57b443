#include "base/host_file.hpp"

#include <cerrno>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace base {

std::optional<std::string> try_read_host_file(const std::string& path, std::size_t limit_bytes) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return std::nullopt;
    throw os_error("opening ", quoted(path));
  }
  return with_context([&] { return read_to_end(fd.get(), limit_bytes); }, "reading ", quoted(path));
}

}  // namespace base
