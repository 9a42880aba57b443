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
    {"disable-content-trust", 0, flag, ignored, ""},
    {"isolation", 0, text, ignored, ""},
    {"kernel-memory", 0, text, ignored, ""},
    {"storage-opt", 0, text, ignored, ""},
};

constexpr KnownOption refused_options[] = {
    {"decryption-key", 0, text, refused, ""},
    {"init-ctr", 0, text, refused, ""},
    {"pod", 0, text, refused, ""},
    {"pod-id-file", 0, text, refused, ""},
    {"rdt-class", 0, text, refused, ""},
    {"seccomp-policy", 0, text, refused, "default"},
    {"volume-driver", 0, text, refused, "local"},
};

}  // namespace

void declare_later_options(OptionTable& table) {
  const auto declare = [&table](const KnownOption& option) {
    table.known(option.name, option.letter, option.kind, option.treatment, option.harmless);
  };
  std::for_each(std::begin(harmless_options), std::end(harmless_options), declare);
  std::for_each(std::begin(refused_options), std::end(refused_options), declare);
  table.known("gpus", 0, text, refused).refusal = "is docker's word for devices of one vendor";
  table.last().accepted = "name them by their CDI specification: --device nvidia.com/gpu=all (engine run --help)";
}

}  // namespace cmd
