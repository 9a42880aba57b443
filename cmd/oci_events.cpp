#include "cmd/oci_events.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_state.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

void print_oom(const std::string& id) {
  base::JsonWriter json;
  json.begin_object().member("type", "oom").member("id", id).end_object();
  print_line(json.text());
}

/// Readable when the kernel has counted an event of memory in the v2 cgroup; empty where there is none, and then kills
/// are seen at the next interval.
base::UniqueFd watch_memory_events(const runtime::CgroupRecord& record) {
  if (record.unified.empty()) return {};
  base::UniqueFd watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!watch) throw base::os_error("watching for memory events");
  if (::inotify_add_watch(watch.get(), (record.unified + "/memory.events").c_str(), IN_MODIFY) < 0) return {};
  return watch;
}

class EventPrinter {
 public:
  EventPrinter(const OciContainer& container, std::chrono::milliseconds interval)
      : id_(container.state.id),
        interval_(interval),
        process_(open_oci_process(container.state)),
        cgroup_(runtime::Cgroup::open(container.state.cgroup)),
        memory_(watch_memory_events(container.state.cgroup)),
        oom_kills_(cgroup_->statistics().oom_kills.value_or(0)) {}

  /// Until the container has ended.
  void run() {
    auto next = std::chrono::steady_clock::now() + interval_;
    while (wait_until(next)) {
      const runtime::CgroupStatistics statistics = cgroup_->statistics();
      print_new_kills(statistics);
      if (std::chrono::steady_clock::now() < next) continue;
      print_line(statistics_event(id_, statistics));
      next += interval_;
    }
    print_new_kills(cgroup_->statistics());
  }

 private:
  /// False when the container has ended.
  bool wait_until(std::chrono::steady_clock::time_point next) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> waiting{{{process_.get(), POLLIN, 0}, {memory_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), left < 0 ? 0 : static_cast<int>(left)) < 0 && errno != EINTR)
      throw base::os_error("waiting for events");
    if ((waiting[1].revents & POLLIN) != 0) forget_notifications();
    return (waiting[0].revents & POLLIN) == 0;
  }

  void forget_notifications() {
    std::array<char, 4096> buffer;
    while (::read(memory_.get(), buffer.data(), buffer.size()) > 0) {
    }
  }

  void print_new_kills(const runtime::CgroupStatistics& statistics) {
    const std::uint64_t kills = statistics.oom_kills.value_or(0);
    for (; oom_kills_ < kills; ++oom_kills_) print_oom(id_);
  }

  const std::string id_;
  const std::chrono::milliseconds interval_;
  const base::UniqueFd process_;
  const std::unique_ptr<runtime::Cgroup> cgroup_;
  const base::UniqueFd memory_;
  std::uint64_t oom_kills_;
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
