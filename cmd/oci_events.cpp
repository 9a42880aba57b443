#include "cmd/oci_events.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <poll.h>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_state.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "runtime/cgroup_oom.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

void print_oom(const std::string& id) {
  base::JsonWriter json;
  json.begin_object().member("type", "oom").member("id", id).end_object();
  print_line(json.text());
}

/// Nothing where no memory controller counts.
std::optional<runtime::OomWatch> watch_memory(const runtime::CgroupRecord& record) {
  try {
    return runtime::OomWatch::start(record);
  } catch (const base::Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
    return std::nullopt;
  }
}

class EventPrinter {
 public:
  EventPrinter(const OciContainer& container, std::chrono::milliseconds interval)
      : id_(container.state.id),
        interval_(interval),
        process_(open_oci_process(container.state)),
        cgroup_(runtime::Cgroup::open(container.state.cgroup)),
        memory_(watch_memory(container.state.cgroup)) {}

  /// Until the container has ended.
  void run() {
    auto next = std::chrono::steady_clock::now() + interval_;
    while (wait_until(next)) {
      if (std::chrono::steady_clock::now() < next) continue;
      print_line(statistics_event(id_, cgroup_->statistics()));
      next += interval_;
    }
    print_kills();
  }

 private:
  /// False when the container has ended.
  bool wait_until(std::chrono::steady_clock::time_point next) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> waiting{{{process_.get(), POLLIN, 0}, {memory_ ? memory_->fd() : -1, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), left < 0 ? 0 : static_cast<int>(left)) < 0 && errno != EINTR)
      throw base::os_error("waiting for events");
    if ((waiting[1].revents & POLLIN) != 0) print_kills();
    return (waiting[0].revents & POLLIN) == 0;
  }

  void print_kills() {
    if (!memory_) return;
    const auto kills = memory_->take();
    for (std::uint64_t left = kills.value_or(0); left > 0; --left) print_oom(id_);
    if (!kills) memory_.reset();
  }

  const std::string id_;
  const std::chrono::milliseconds interval_;
  const base::UniqueFd process_;
  const std::unique_ptr<runtime::Cgroup> cgroup_;
  std::optional<runtime::OomWatch> memory_;
};

}  // namespace

int oci_events(const OciGlobals& globals, const OciWords& words) {
  const std::chrono::milliseconds interval = parse_go_duration(words.value_or("interval", "5s"));
  const OciContainer container = find_oci_container(globals.root, words.words.front());
  const std::string status = status_of(container);
  if (status == "stopped" || status == "creating")
    throw make_error(ErrorKind::in_use, "container not running: ", base::quoted(container.state.id), " is ", status);
  if (words.has("stats")) {
    const auto cgroup = runtime::Cgroup::open(container.state.cgroup);
    print_line(statistics_event(container.state.id, cgroup->statistics()));
  } else {
    EventPrinter{container, interval}.run();
  }
  return 0;
}

}  // namespace cmd
