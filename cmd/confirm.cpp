#include "cmd/confirm.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cmd/output.hpp"

namespace cmd {

bool confirm(std::string_view warning) {
  print(base::concat(warning, "Are you sure you want to continue? [y/N] "));
  char first = 0;
  bool is_first = true;
  for (char byte = 0; base::read_some(STDIN_FILENO, &byte, 1) == 1; is_first = false) {
    if (byte == '\n') return first == 'y' || first == 'Y';
    if (is_first) first = byte;
  }
  if (!is_first) return first == 'y' || first == 'Y';
  throw base::make_error(base::ErrorKind::invalid_argument, "nobody answered").with_hint("use --force to be not asked");
}

}  // namespace cmd
