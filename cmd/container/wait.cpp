#include <charconv>
#include <cmath>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using std::chrono::milliseconds;

struct WaitWords {
  engine::WaitOptions options;
  ContainerChoice choice;
  std::string interval = "250ms";
};

/// "250ms", "1.5s", "2m", "1h"; a bare number counts milliseconds. Source: podman-wait(1) --interval.
std::optional<milliseconds> parse_interval(std::string_view text) {
  double amount = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (problem != std::errc{} || !(amount >= 0) || amount > 1e9) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  double factor = 1;
  if (unit == "s") {
    factor = 1000;
  } else if (unit == "m") {
    factor = 60.0 * 1000;
  } else if (unit == "h") {
    factor = 3600.0 * 1000;
  } else if (!unit.empty() && unit != "ms") {
    return std::nullopt;
  }
  return milliseconds{std::llround(amount * factor)};
}

std::string_view check_interval(std::string_view text) {
  return parse_interval(text) ? std::string_view{} : "is not a duration such as 250ms or 2s";
}

}  // namespace

Action declare_wait(OptionTable& table) {
  const auto words = std::make_shared<WaitWords>();
  table
      .comma_list("condition", 0, "STATE", words->options.conditions,
                  "Wait for this state: stopped, exited, running, created, paused, removing, healthy or unhealthy")
      .defaults_to("stopped");
  table.text("interval", 'i', "DURATION", words->interval, "How often to look").checked_by(check_interval);
  table.flag("ignore", 0, words->options.ignore, "Print -1 for containers that do not exist");
  declare_latest_option(table, words->choice);
  declare_container_words(table, words->choice, Completes::containers);
  return [words](Invocation& invocation) {
    engine::WaitOptions options = words->options;
    options.interval = *parse_interval(words->interval);
    options.containers = chosen_names(invocation, words->choice);
    for (const int code : engine::wait(invocation.engine(), options)) print_line(base::concat(code));
    return 0;
  };
}

}  // namespace cmd
