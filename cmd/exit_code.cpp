#include "cmd/exit_code.hpp"

namespace cmd {

int exit_code_of(base::ErrorKind kind) noexcept {
  switch (kind) {
    case base::ErrorKind::command_not_usable:
      return 126;
    case base::ErrorKind::command_not_found:
      return 127;
    case base::ErrorKind::interrupted:
      return 130;
    default:
      return exit_failed;
  }
}

int removal_exit_code_of(base::ErrorKind kind) noexcept {
  if (kind == base::ErrorKind::not_found) return 1;
  if (kind == base::ErrorKind::in_use) return 2;
  return exit_code_of(kind);
}

}  // namespace cmd
