#include "base/oci/platform.hpp"

#include <algorithm>
#include <array>
#include <sys/utsname.h>

#include "base/error.hpp"

namespace oci {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::array<std::string_view, 12> known_systems = {"linux",   "windows", "darwin",  "freebsd",
                                                            "netbsd",  "openbsd", "solaris", "illumos",
                                                            "android", "aix",     "plan9",   "wasip1"};

/// Other names of an architecture, and the variant that a name implies. Source: containerd/platforms, its table of
/// normalised values; uname(2) for the kernel's names.
struct Alias {
  std::string_view name;
  std::string_view architecture;
  std::string_view variant;
};
constexpr std::array aliases = {
    Alias{"x86_64", "amd64", ""},  Alias{"x86-64", "amd64", ""},
    Alias{"i386", "386", ""},      Alias{"i486", "386", ""},
    Alias{"i586", "386", ""},      Alias{"i686", "386", ""},
    Alias{"aarch64", "arm64", ""}, Alias{"armhf", "arm", "v7"},
    Alias{"armel", "arm", "v6"},   Alias{"armv8l", "arm", "v8"},
    Alias{"armv7l", "arm", "v7"},  Alias{"armv6l", "arm", "v6"},
    Alias{"armv5l", "arm", "v5"},  Alias{"loongarch64", "loong64", ""},
};

constexpr std::array<std::string_view, 14> known_architectures = {"amd64",  "arm64", "arm",     "386",      "ppc64le",
                                                                  "ppc64",  "s390x", "riscv64", "mips64le", "mips64",
                                                                  "mipsle", "mips",  "loong64", "wasm"};

template <std::size_t Count>
bool contains(const std::array<std::string_view, Count>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_word(std::string_view text) {
  return !text.empty() && text[0] != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string_view::npos;
}

Platform normalise(Platform platform) {
  platform.os = base::to_lower(platform.os);
  platform.architecture = base::to_lower(platform.architecture);
  platform.variant = base::to_lower(platform.variant);
  if (platform.os == "macos") platform.os = "darwin";
  for (const Alias& alias : aliases) {
    if (platform.architecture != alias.name) continue;
    platform.architecture = alias.architecture;
    if (!alias.variant.empty()) platform.variant = alias.variant;
    break;
  }
  if (!platform.variant.empty() && platform.variant.find_first_not_of("0123456789") == std::string::npos)
    platform.variant.insert(0, "v");
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  if (platform.architecture == "amd64" && platform.variant == "v1") platform.variant.clear();
  if (platform.architecture == "arm" && platform.variant.empty()) platform.variant = "v7";
  return platform;
}

/// 7 of "v7"; what the empty variant means for the architecture.
std::uint64_t variant_number(const Platform& platform) {
  if (platform.variant.size() > 1 && platform.variant[0] == 'v')
    if (const auto number = base::parse_unsigned(std::string_view{platform.variant}.substr(1))) return *number;
  return platform.architecture == "arm64" ? 8 : 1;
}

bool has_ordered_variants(const Platform& platform) {
  return platform.architecture == "arm" || platform.architecture == "arm64" || platform.architecture == "amd64";
}

/// How good `offered` is for `wanted`: 0 does not run, more is better.
std::uint64_t score(const Platform& offered, const Platform& wanted) {
  if (offered == wanted) return UINT64_MAX;
  if (offered.os != wanted.os || offered.architecture != wanted.architecture || !has_ordered_variants(wanted)) return 0;
  const std::uint64_t number = variant_number(offered);
  return number <= variant_number(wanted) ? number : 0;
}

}  // namespace

std::string Platform::to_string() const {
  return variant.empty() ? base::concat(os, "/", architecture) : base::concat(os, "/", architecture, "/", variant);
}

Platform parse_platform(std::string_view text) {
  const std::string lower = base::to_lower(text);
  const std::vector<std::string_view> fields = base::split(lower, '/');
  const bool well_formed = fields.size() <= 3 && std::all_of(fields.begin(), fields.end(), is_word);
  if (!well_formed)
    throw make_error(ErrorKind::invalid_argument, "platform ", quoted(text), " is not of the form os/arch[/variant]");
  Platform platform;
  if (fields.size() > 1) {
    platform = {std::string{fields[0]}, std::string{fields[1]}, fields.size() == 3 ? std::string{fields[2]} : ""};
    return normalise(std::move(platform));
  }
  if (contains(known_systems, lower) || lower == "macos") {
    platform = host_platform();
    platform.os = lower;
    return normalise(std::move(platform));
  }
  platform.architecture = lower;
  platform = normalise(std::move(platform));
  if (!contains(known_architectures, platform.architecture))
    throw make_error(ErrorKind::invalid_argument, "platform ", quoted(text), ": unknown system or architecture");
  return platform;
}

Platform platform_from_json(const base::JsonAt& json) {
  Platform platform;
  platform.os = json.string_or("os", "linux");
  platform.architecture = json.string_or("architecture", "");
  platform.variant = json.string_or("variant", "");
  return platform;
}

Platform host_platform() {
  utsname names{};
  if (::uname(&names) != 0) throw base::os_error("asking for the machine's name");
  Platform platform;
  platform.architecture = names.machine;
  return normalise(std::move(platform));
}

std::optional<std::size_t> choose_platform(const std::vector<std::optional<Platform>>& offered,
                                           const Platform& wanted) {
  // An index of one entry that says nothing about itself is an image that a tool wrapped.
  if (offered.size() == 1 && !offered[0]) return 0;
  std::optional<std::size_t> best;
  std::uint64_t best_score = 0;
  for (std::size_t index = 0; index < offered.size(); ++index) {
    if (!offered[index]) continue;
    const std::uint64_t current = score(normalise(*offered[index]), normalise(wanted));
    if (current <= best_score) continue;  // of equals the first counts, as the image-spec says
    best = index;
    best_score = current;
  }
  return best;
}

}  // namespace oci
