#include "cmd/each.hpp"

#include <algorithm>

#include "cmd/output.hpp"

namespace cmd {

int for_each_name(const std::vector<std::string>& names, const std::function<void(const std::string& name)>& act,
                  int (*code_of)(base::ErrorKind) noexcept) {
  int code = 0;
  for (const std::string& name : names) {
    try {
      act(name);
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::interrupted) throw;
      print_error(error);
      code = std::max(code, code_of(error.kind()));
    }
  }
  return code;
}

}  // namespace cmd
