#include "base/stream.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"

namespace base {

std::size_t FdSource::read(void* buffer, std::size_t size) {
  return read_some(fd_, buffer, size);
}

void StringSink::write(std::string_view bytes) {
  if (bytes.size() > limit_bytes_ - text_.size())
    throw make_error(ErrorKind::corrupt, "reading: longer than ", limit_bytes_, " bytes");
  text_.append(bytes);
}

}  // namespace base
