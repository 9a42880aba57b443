#include "storage/damage.hpp"

#include <cerrno>

namespace storage {

bool is_damage(const base::Error& error) noexcept {
  switch (error.code()) {
    case 0:
      return error.kind() == base::ErrorKind::corrupt || error.kind() == base::ErrorKind::not_found ||
             error.kind() == base::ErrorKind::invalid_argument;  // a digest or name that is none
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:  // O_NOFOLLOW met a link
      return true;
    default:
      return false;
  }
}

}  // namespace storage
