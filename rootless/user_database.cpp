#include "rootless/user_database.hpp"

#include <chrono>

#include "base/host_file.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

constexpr std::size_t max_passwd_bytes = 16 * 1024 * 1024;
constexpr std::chrono::milliseconds getent_limit{5000};
constexpr std::size_t passwd_fields = 7;

std::optional<UserEntry> ask_getent(std::uint32_t uid) {
  const std::optional<std::string> getent = base::find_program("getent");
  if (!getent) return std::nullopt;
  const base::Command command{.path = *getent, .argv = {"getent", "passwd", base::concat(uid)}, .null_stdin = true};
  const base::Output output = base::run_and_capture(command, getent_limit);
  return find_user(output.out, uid);
}

}  // namespace

std::optional<UserEntry> find_user(std::string_view passwd_text, std::uint32_t uid) {
  for (const std::string_view line : base::split(passwd_text, '\n')) {
    const std::vector<std::string_view> fields = base::split(line, ':');
    if (fields.size() != passwd_fields || fields[0].empty() || base::parse_unsigned(fields[2]) != uid) continue;
    return UserEntry{std::string{fields[0]}, std::string{fields[5]}, std::string{fields[6]}};
  }
  return std::nullopt;
}

std::optional<UserEntry> look_up_user(std::uint32_t uid) {
  if (const std::optional<std::string> text = base::try_read_host_file("/etc/passwd", max_passwd_bytes)) {
    if (std::optional<UserEntry> entry = find_user(*text, uid)) return entry;
  }
  return ask_getent(uid);
}

}  // namespace rootless
