#pragma once

#include <string>

#include "base/progress.hpp"
#include "base/signals.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// An image source that reports what is read of it, and that fails with Error interrupted once a signal came, so that
/// whoever writes it somewhere takes back what was begun.
class WatchedSource final : public registry::ImageSource {
 public:
  /// @param signals  Null: signals do what they do. All must outlive this.
  WatchedSource(registry::ImageSource& source, base::Progress& progress, base::SignalFd* signals)
      : source_(source), progress_(progress), signals_(signals) {}

  registry::ManifestBytes root_manifest() override { return source_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return source_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return source_.suggested_name(); }
  bool is_remote() const override { return source_.is_remote(); }

  /// "layer 4bcf0a9d3e21": what the progress calls it.
  static std::string item_of(const oci::Descriptor& blob);

 private:
  registry::ImageSource& source_;
  base::Progress& progress_;
  base::SignalFd* signals_;
};

}  // namespace engine
