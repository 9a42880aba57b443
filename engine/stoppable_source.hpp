#pragma once

#include <optional>
#include <string>

#include "base/signals.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// An image source that fails with Error interrupted once a signal asked us to stop, so that whoever writes the image
/// somewhere takes back what was begun. Make it before threads are started.
class StoppableSource final : public registry::ImageSource {
 public:
  /// @param output  Where the image goes. Signals do what they always do when that is no file or folder: what went
  ///                through a pipe is gone, and whoever waits for its reader must die of the signal.
  StoppableSource(registry::ImageSource& source, const std::string& output);

  registry::ManifestBytes root_manifest() override { return source_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return source_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return source_.suggested_name(); }
  bool is_remote() const override { return source_.is_remote(); }

 private:
  registry::ImageSource& source_;
  std::optional<base::SignalFd> signals_;
};

}  // namespace engine
