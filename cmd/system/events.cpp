#include "engine/events.hpp"

#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"

namespace cmd {
namespace {

// Source: podman 4.3's events.Event.
constexpr std::string_view event_shapes = R"(events.Event
  ContainerExitCode int ContainerExitCode,omitempty
  ID string ID,omitempty
  Image string Image,omitempty
  Name string Name,omitempty
  Network string network,omitempty
  Status string
  Time time.Time
  Type string
  HealthStatus string health_status,omitempty
  Attributes map[string]string
)";

struct EventsWords {
  engine::EventsOptions options;
  std::string format;
  bool no_trunc = true;
};

/// Source: podman's own, by its output.
std::string human_readable(const engine::Event& event, bool no_trunc) {
  const std::string id = no_trunc ? event.id : event.id.substr(0, 12);
  std::string line = base::concat(go_time(event.time), ' ', event.type, ' ', event.status);
  if (event.type == "container") {
    line += base::concat(' ', id, " (image=", event.image, ", name=", event.name);
    if (!event.health_status.empty()) line += base::concat(", health_status=", event.health_status);
    if (event.attributes)
      for (const auto& [name, value] : *event.attributes) line += base::concat(", ", name, '=', value);
    return line + ")";
  }
  if (event.type == "image") return base::concat(line, ' ', id, ' ', event.name);
  return event.name.empty() ? line : base::concat(line, ' ', event.name);
}

void show(const engine::Event& event, const EventsWords& words, Form form) {
  if (form == Form::own) return print_line(human_readable(event, words.no_trunc));
  const std::string json = engine::event_json(event);
  if (form == Form::json) return print_line(json);
  Report("events", event_shapes, "events.Event", json).print_object(words.format);
}

}  // namespace

Action declare_events(OptionTable& table) {
  const auto words = std::make_shared<EventsWords>();
  table.list("filter", 'f', "KEY=VALUE", words->options.filters,
             "Only what matches: container, event, image, label, type, volume");
  table.text("format", 0, "FORMAT", words->format, "json, or a Go template: {{.Type}} {{.Status}} {{.Name}}");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids in full");
  table.text("since", 0, "TIME", words->options.since,
             "Also what has happened since then; a time, or a duration like 10m");
  table.flag("stream", 0, words->options.stream, "Wait for more");
  table.text("until", 0, "TIME", words->options.until, "What happens until then");
  return [words](Invocation& invocation) {
    const Form form = form_of(words->format);
    engine::events(invocation.engine(), words->options, [&](const engine::Event& event) { show(event, *words, form); });
    return 0;
  };
}

}  // namespace cmd
