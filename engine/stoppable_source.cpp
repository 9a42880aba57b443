#include "engine/stoppable_source.hpp"

#include <csignal>
#include <sys/stat.h>

#include "base/error.hpp"

namespace engine {
namespace {

class StoppableSink final : public base::Sink {
 public:
  StoppableSink(base::Sink& next, StopSignals& signals) : next_(next), signals_(signals) {}
  void write(std::string_view bytes) override {
    signals_.check();
    next_.write(bytes);
  }

 private:
  base::Sink& next_;
  StopSignals& signals_;
};

bool leaves_something(const std::string& output) {
  struct stat status {};
  if (output.empty() || output == "-") return false;
  return ::stat(output.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

}  // namespace

StopSignals::StopSignals(const std::string& output) {
  if (leaves_something(output)) signals_.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
}

void StopSignals::check() {
  if (signals_ && signals_->next()) throw base::make_error(base::ErrorKind::interrupted, "interrupted");
}

void StoppableSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  StoppableSink stoppable(sink, signals_);
  source_.blob(descriptor, stoppable, offset);
}

}  // namespace engine
