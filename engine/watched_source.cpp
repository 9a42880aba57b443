#include "engine/watched_source.hpp"

#include "base/error.hpp"

namespace engine {
namespace {

constexpr std::uint64_t progress_step_bytes = 1024 * 1024;

class WatchedSink final : public base::Sink {
 public:
  WatchedSink(base::Sink& next, base::Progress& progress, base::SignalFd* signals, std::string item)
      : next_(next), progress_(progress), signals_(signals), item_(std::move(item)) {}

  void write(std::string_view bytes) override {
    if (signals_ != nullptr && signals_->next()) throw base::make_error(base::ErrorKind::interrupted, "interrupted");
    next_.write(bytes);
    done_ += bytes.size();
    if (done_ - reported_ < progress_step_bytes) return;
    reported_ = done_;
    progress_.advance(item_, done_);
  }

 private:
  base::Sink& next_;
  base::Progress& progress_;
  base::SignalFd* signals_;
  std::string item_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace

std::string WatchedSource::item_of(const oci::Descriptor& blob) {
  const bool is_config = blob.media_type.find("config") != std::string::npos ||
                         blob.media_type.find("container.image") != std::string::npos;
  return base::concat(is_config ? "config " : "layer ", blob.digest.short_hex());
}

void WatchedSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  WatchedSink watched(sink, progress_, signals_, item_of(descriptor));
  source_.blob(descriptor, watched, offset);
}

}  // namespace engine
