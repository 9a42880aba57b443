#include "engine/stoppable_source.hpp"

#include <csignal>
#include <sys/stat.h>

#include "base/error.hpp"

namespace engine {
namespace {

class StoppableSink final : public base::Sink {
 public:
  StoppableSink(base::Sink& next, base::SignalFd& signals) : next_(next), signals_(signals) {}
  void write(std::string_view bytes) override {
    if (signals_.next()) throw base::make_error(base::ErrorKind::interrupted, "interrupted");
    next_.write(bytes);
  }

 private:
  base::Sink& next_;
  base::SignalFd& signals_;
};

bool leaves_something(const std::string& output) {
  struct stat status {};
  if (output.empty() || output == "-") return false;
  return ::stat(output.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

}  // namespace

StoppableSource::StoppableSource(registry::ImageSource& source, const std::string& output) : source_(source) {
  if (leaves_something(output)) signals_.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
}

void StoppableSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  if (!signals_) return source_.blob(descriptor, sink, offset);
  StoppableSink stoppable(sink, *signals_);
  source_.blob(descriptor, stoppable, offset);
}

}  // namespace engine
