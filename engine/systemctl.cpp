#include "engine/systemctl.hpp"

#include <chrono>
#include <unistd.h>

#include "base/process.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

// Units stop and start meanwhile, and pull their images.
constexpr std::chrono::minutes patience{15};

/// "ActiveState=active" and the like, of one unit.
std::string state_of(std::string_view block) {
  std::string load, active, sub;
  for (const std::string_view line : base::split(block, '\n')) {
    const auto pair = base::split_once(line, '=');
    if (!pair) continue;
    if (pair->first == "LoadState") load = pair->second;
    if (pair->first == "ActiveState") active = pair->second;
    if (pair->first == "SubState") sub = pair->second;
  }
  return load == "loaded" ? base::concat(active, '/', sub) : "Not loaded";
}

}  // namespace

bool has_user_manager() {
  return ::geteuid() != 0;
}

std::optional<SystemctlResult> systemctl(std::vector<std::string> words) {
  const auto program = base::find_program("systemctl");
  if (!program) return std::nullopt;
  base::Command command{.path = *program, .argv = {"systemctl"}, .null_stdin = true};
  if (has_user_manager()) command.argv.emplace_back("--user");
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  const base::Output output = base::run_and_capture(command, patience, 1 << 20);
  return SystemctlResult{output.status.code, output.out, std::string{base::trim(output.err)}};
}

std::vector<std::string> unit_states(const std::vector<std::string>& units) {
  std::vector<std::string> states(units.size(), "Not loaded");
  if (units.empty()) return states;
  std::vector<std::string> words{"show", "--property=LoadState,ActiveState,SubState", "--"};
  words.insert(words.end(), units.begin(), units.end());
  const auto result = systemctl(std::move(words));
  if (!result || result->code != 0) return states;
  std::string_view rest = result->out;  // a block a unit, empty lines between them
  for (std::string& state : states) {
    const std::size_t end = rest.find("\n\n");
    state = state_of(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 2);
  }
  return states;
}

}  // namespace engine
