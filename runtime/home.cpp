#include "runtime/home.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/path_in_root.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_passwd_bytes = 1024 * 1024;
constexpr std::size_t passwd_fields = 7;  // passwd(5): name, password, uid, gid, comment, home, shell

}  // namespace

std::string home_of(std::string_view passwd, std::uint32_t uid) {
  for (const std::string_view line : base::split(passwd, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() != passwd_fields || base::parse_unsigned(fields[2]) != uid) continue;
    if (fields[5].starts_with('/')) return std::string{fields[5]};
  }
  return "/";
}

void add_home(std::vector<std::string>& env, int root, std::uint32_t uid) {
  if (std::any_of(env.begin(), env.end(), [](const std::string& entry) { return entry.starts_with("HOME="); })) return;
  const std::string passwd = base::read_small_file_in_root(root, "etc/passwd", max_passwd_bytes);
  env.push_back("HOME=" + home_of(passwd, uid));
}

}  // namespace runtime
