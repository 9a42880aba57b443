#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rootless {

/// What passwd(5) says about a user of this host.
struct UserEntry {
  std::string name;
  std::string home;
  std::string shell;
};

/// The first well-formed line for `uid` in the text of a passwd file.
std::optional<UserEntry> find_user(std::string_view passwd_text, std::uint32_t uid);

/// /etc/passwd, else `getent passwd UID` (LDAP, sssd), so that a static program needs no NSS; nothing when nobody knows
/// this uid.
std::optional<UserEntry> look_up_user(std::uint32_t uid);

}  // namespace rootless
