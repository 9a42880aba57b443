#include "base/error.hpp"

#include <cstring>

namespace base {

ErrorKind kind_of_errno(int code) noexcept {
  switch (code) {
    case ENOENT:
      return ErrorKind::not_found;
    case EACCES:
    case EPERM:
      return ErrorKind::permission;
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::no_space;
    case EEXIST:
      return ErrorKind::already_exists;
    case EBUSY:
      return ErrorKind::in_use;
    case EINTR:
      return ErrorKind::interrupted;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorKind::unsupported;
    default:
      return ErrorKind::internal;
  }
}

Error error_from_code(int code, std::string doing) {
  // Not strerror(): that one consults the locale, which a static program should not load.
  const char* description = ::strerrordesc_np(code);
  std::string message = description != nullptr ? concat(doing, ": ", description) : concat(doing, ": error ", code);
  return Error{kind_of_errno(code), std::move(message)}.with_code(code);
}

}  // namespace base
