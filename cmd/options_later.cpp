#include <algorithm>
#include <iterator>

#include "cmd/limit_words.hpp"
#include "cmd/options_run.hpp"

// The rest of podman's 153 options of `run` and `create`, and docker's spellings: known, so that a user reads why one
// does not work, and may give those that only ask for what happens anyway.

namespace cmd {
namespace {

struct KnownOption {
  std::string_view name;
  char letter;
  OptionKind kind;
  Treatment treatment;
  std::string_view harmless;  ///< Values without effect, "|" between them.
};

constexpr auto flag = OptionKind::flag;
constexpr auto text = OptionKind::text;
constexpr auto ignored = Treatment::ignored;
constexpr auto refused = Treatment::refused;

constexpr KnownOption harmless_options[] = {
    {"disable-content-trust", 0, flag, ignored, ""}, {"isolation", 0, text, ignored, ""},
    {"kernel-memory", 0, text, ignored, ""},         {"no-healthcheck", 0, flag, ignored, ""},
    {"storage-opt", 0, text, ignored, ""},
};

/// Refused whatever they say, but a value that is wrong anyway is what the user should read of.
struct CheckedOption {
  KnownOption known;
  Check check;
  std::string_view form;
};
constexpr CheckedOption checked_options[] = {
    {{"timeout", 0, text, refused, "0"}, check_unsigned, "a number of seconds; 0 is no limit"},
};

constexpr KnownOption refused_options[] = {
    {"attach", 'a', text, refused, ""},
    {"chrootdirs", 0, text, refused, ""},
    {"conmon-pidfile", 0, text, refused, ""},
    {"decryption-key", 0, text, refused, ""},
    {"domainname", 0, text, refused, ""},
    {"health-cmd", 0, text, refused, "none"},
    {"health-interval", 0, text, refused, "disable"},
    {"health-log-destination", 0, text, refused, "local"},
    {"health-max-log-count", 0, text, refused, "5"},
    {"health-max-log-size", 0, text, refused, "500"},
    {"health-on-failure", 0, text, refused, "none"},
    {"health-retries", 0, text, refused, "3"},
    {"health-start-interval", 0, text, refused, ""},
    {"health-start-period", 0, text, refused, "0s|0"},
    {"health-startup-cmd", 0, text, refused, ""},
    {"health-startup-interval", 0, text, refused, ""},
    {"health-startup-retries", 0, text, refused, "0"},
    {"health-startup-success", 0, text, refused, "0"},
    {"health-startup-timeout", 0, text, refused, ""},
    {"health-timeout", 0, text, refused, ""},
    {"hosts-file", 0, text, refused, ""},
    {"image-volume", 0, text, refused, "anonymous|bind"},
    {"init-ctr", 0, text, refused, ""},
    {"init-path", 0, text, refused, ""},
    {"no-hostname", 0, flag, refused, ""},
    {"pidfile", 0, text, refused, ""},
    {"pod", 0, text, refused, ""},
    {"pod-id-file", 0, text, refused, ""},
    {"preserve-fd", 0, text, refused, ""},
    {"rdt-class", 0, text, refused, ""},
    {"requires", 0, text, refused, ""},
    {"restart", 0, text, refused, "no"},
    {"retry", 0, text, refused, "3"},
    {"retry-delay", 0, text, refused, ""},
    {"rmi", 0, flag, refused, ""},
    {"seccomp-policy", 0, text, refused, "default"},
    {"shm-size-systemd", 0, text, refused, ""},
    {"volume-driver", 0, text, refused, "local"},
};

}  // namespace

void declare_later_options(OptionTable& table) {
  const auto declare = [&table](const KnownOption& option) {
    table.known(option.name, option.letter, option.kind, option.treatment, option.harmless);
  };
  std::for_each(std::begin(harmless_options), std::end(harmless_options), declare);
  std::for_each(std::begin(refused_options), std::end(refused_options), declare);
  for (const CheckedOption& option : checked_options) {
    declare(option.known);
    table.last().checked_by(option.check, option.form);
  }
  table.known("gpus", 0, text, refused).refusal = "is docker's word for devices of one vendor";
  table.last().accepted = "name them by their CDI specification: --device nvidia.com/gpu=all (engine run --help)";
}

}  // namespace cmd
