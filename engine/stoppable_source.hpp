#pragma once

#include <optional>
#include <string>

#include "base/signals.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// SIGINT, SIGTERM and SIGHUP wait as long as this lives, so that what was begun can be taken back. Make it before
/// threads are started.
class StopSignals {
 public:
  /// @param output  Where an image goes. Signals do what they always do when that is no file or folder: what went
  ///                through a pipe is gone, and whoever waits for its reader must die of the signal.
  explicit StopSignals(const std::string& output);
  /// @throws Error interrupted, when one came.
  void check();

 private:
  std::optional<base::SignalFd> signals_;
};

/// An image source that fails once a signal asked us to stop.
class StoppableSource final : public registry::ImageSource {
 public:
  /// Both must outlive it.
  StoppableSource(registry::ImageSource& source, StopSignals& signals) : source_(source), signals_(signals) {}

  registry::ManifestBytes root_manifest() override { return source_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return source_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return source_.suggested_name(); }
  bool is_remote() const override { return source_.is_remote(); }

 private:
  registry::ImageSource& source_;
  StopSignals& signals_;
};

}  // namespace engine
