#include "cmd/oci_runtime.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "cmd/oci_help.hpp"
#include "cmd/oci_log.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "cmd/suggest.hpp"
#include "cmd/version.hpp"
#include "engine/oci_id_maps.hpp"
#include "runtime/spec.hpp"

// The command line of runc and crun, which podman, containerd and conmon speak.

namespace cmd {
namespace {

const OciVerb& find_verb(const std::string& name) {
  std::vector<std::string> known;
  for (const OciVerb& verb : oci_verbs()) {
    if (verb.name == name) return verb;
    known.emplace_back(verb.name);
  }
  const std::string nearest = nearest_word(name, known);
  throw base::make_error(base::ErrorKind::invalid_argument, "unknown command ", base::quoted(name))
      .with_hint(nearest.empty() ? "see engine runtime --help" : base::concat("did you mean ", nearest, "?"));
}

void check_word_count(const OciVerb& verb, const OciWords& words) {
  const std::size_t count = words.words.size();
  if (count >= verb.at_least && count <= verb.at_most) return;
  throw base::make_error(base::ErrorKind::invalid_argument, verb.name, count < verb.at_least ? " needs" : " takes only",
                         verb.operands.empty() ? " options" : " ", verb.operands, ", ", count,
                         count == 1 ? " word was given" : " words were given")
      .with_hint(base::concat("see engine runtime ", verb.name, " --help"));
}

base::LogLevel log_level(const OciWords& front) {
  if (front.has("debug")) return base::LogLevel::debug;
  const std::string word = front.value_or("log-level", "warning");
  if (word == "error") return base::LogLevel::error;
  if (word == "info") return base::LogLevel::info;
  return word == "debug" ? base::LogLevel::debug : base::LogLevel::warn;
}

runtime::CgroupManager cgroup_manager(const OciWords& front) {
  const std::string word = front.value_or("cgroup-manager", front.has("systemd-cgroup") ? "systemd" : "cgroupfs");
  if (word == "disabled") return runtime::CgroupManager::disabled;
  return word == "systemd" ? runtime::CgroupManager::systemd : runtime::CgroupManager::cgroupfs;
}

OciGlobals settle(const OciWords& front) {
  const auto root = front.value("root");
  const std::string rootless = front.value_or("rootless", "auto");
  return {.root = root ? *root : engine::oci_state_root(),
          .manager = cgroup_manager(front),
          .is_rootless = rootless == "auto" ? engine::oci_is_rootless() : rootless == "true"};
}

int run_verb(const OciVerb& verb, const OciWords& front) {
  const OciWords rest =
      split_oci_words(options_of(verb), {front.words.begin() + 1, front.words.end()}, verb.stop_at_word);
  if (rest.has("help")) {
    print(oci_verb_help(verb));
    return 0;
  }
  check_word_count(verb, rest);
  return verb.run(settle(front), rest);
}

int run(const OciWords& front) {
  if (front.has("version")) {
    print(base::concat("engine-runtime version ", version(), "\nspec: ", runtime::Spec{}.oci_version, '\n'));
    return 0;
  }
  if (front.words.empty() || front.has("help")) {
    print(oci_overview());
    return front.has("help") ? 0 : 1;
  }
  base::set_log_level(log_level(front));
  if (const auto path = front.value("log"))
    open_oci_log(*path, front.value_or("log-format", "text") == "json" ? OciLogFormat::json : OciLogFormat::text);
  return run_verb(find_verb(front.words.front()), front);
}

int exit_code_of(const OciWords& front) {
  for (const OciVerb& verb : oci_verbs())
    if (!front.words.empty() && verb.name == front.words.front()) return verb.failure;
  return 1;
}

}  // namespace

int oci_runtime_main(const std::vector<std::string>& words) {
  OciWords front;
  try {
    const auto options = oci_global_options();
    front = split_oci_words({options.begin(), options.end()}, words, true);
    return run(front);
  } catch (const base::Error& error) {
    if (is_closed_pipe(error)) throw;
    const base::Error shown = for_callers(error);
    log_oci_error(shown);
    print_error(shown);
    return exit_code_of(front);
  }
}

}  // namespace cmd
