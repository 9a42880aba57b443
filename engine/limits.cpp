#include "engine/limits.hpp"

#include <algorithm>
#include <array>
#include <sys/resource.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

struct LimitName {
  std::string_view name;
  const char* oci;
  int resource;
};
constexpr std::array limit_names{
    LimitName{"as", "RLIMIT_AS", RLIMIT_AS},
    LimitName{"core", "RLIMIT_CORE", RLIMIT_CORE},
    LimitName{"cpu", "RLIMIT_CPU", RLIMIT_CPU},
    LimitName{"data", "RLIMIT_DATA", RLIMIT_DATA},
    LimitName{"fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE},
    LimitName{"locks", "RLIMIT_LOCKS", RLIMIT_LOCKS},
    LimitName{"memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    LimitName{"msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    LimitName{"nice", "RLIMIT_NICE", RLIMIT_NICE},
    LimitName{"nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE},
    LimitName{"nproc", "RLIMIT_NPROC", RLIMIT_NPROC},
    LimitName{"rss", "RLIMIT_RSS", RLIMIT_RSS},
    LimitName{"rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    LimitName{"rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME},
    LimitName{"sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    LimitName{"stack", "RLIMIT_STACK", RLIMIT_STACK},
};

rlim_t own_hard_limit(int resource) {
  struct rlimit limit {};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0)
    throw base::os_error("reading a resource limit");
  return limit.rlim_max;
}

std::uint64_t parse_value(std::string_view text, std::string_view word) {
  if (text == "-1" || text == "unlimited") return RLIM_INFINITY;
  if (const auto number = base::parse_unsigned(text)) return *number;
  throw make_error(ErrorKind::invalid_argument, "--ulimit ", quoted(word), " is not NAME=SOFT[:HARD]");
}

const LimitName& find_limit(std::string_view name, std::string_view word) {
  std::string wanted = base::to_lower(name);
  if (wanted.starts_with("rlimit_")) wanted.erase(0, 7);
  const auto* found = std::find_if(limit_names.begin(), limit_names.end(),
                                   [&](const LimitName& limit) { return limit.name == wanted; });
  if (found == limit_names.end())
    throw make_error(ErrorKind::invalid_argument, "--ulimit ", quoted(word), ": unknown limit ", quoted(name));
  return *found;
}

runtime::Rlimit parse_limit(std::string_view word) {
  const auto pair = base::split_once(word, '=');
  if (!pair) throw make_error(ErrorKind::invalid_argument, "--ulimit ", quoted(word), " is not NAME=SOFT[:HARD]");
  const LimitName& name = find_limit(pair->first, word);
  const auto values = base::split_once(pair->second, ':');
  runtime::Rlimit limit{name.oci, parse_value(values ? values->first : pair->second, word), 0};
  limit.hard = values ? parse_value(values->second, word) : limit.soft;
  if (limit.soft > limit.hard)
    throw make_error(ErrorKind::invalid_argument, "--ulimit ", quoted(word),
                     ": the soft limit is above the hard limit");
  const std::uint64_t highest = own_hard_limit(name.resource);
  if (limit.hard > highest) {
    base::log(base::LogLevel::warn, "--ulimit ", std::string{word}, ": lowered to our own hard limit ", highest);
    limit.hard = highest;
    limit.soft = std::min(limit.soft, highest);
  }
  return limit;
}

}  // namespace

std::vector<runtime::Rlimit> container_limits(const std::vector<std::string>& ulimits) {
  std::vector<runtime::Rlimit> limits;
  if (std::find(ulimits.begin(), ulimits.end(), "host") != ulimits.end()) return limits;
  for (const std::string& word : ulimits) limits.push_back(parse_limit(word));
  for (const char* raised : {"nofile", "nproc"}) {
    const LimitName& name = find_limit(raised, raised);
    const bool given =
        std::any_of(limits.begin(), limits.end(), [&](const runtime::Rlimit& limit) { return limit.type == name.oci; });
    const std::uint64_t hard = own_hard_limit(name.resource);
    if (!given) limits.push_back({name.oci, hard, hard});
  }
  return limits;
}

}  // namespace engine
