#include "engine/stored_first.hpp"

#include <optional>

#include "base/error.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "storage/blobs.hpp"

namespace engine {
namespace {

/// Nothing when it is not there, damaged, or not of the size that was promised.
std::optional<std::string> stored(const storage::Store& store, const oci::Descriptor& descriptor, std::size_t limit) {
  if (descriptor.size_bytes > limit || !storage::has_blob(store, descriptor.digest)) return std::nullopt;
  try {
    std::string bytes = storage::read_blob(store, descriptor.digest, limit);
    if (bytes.size() == descriptor.size_bytes) return bytes;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found && error.kind() != base::ErrorKind::corrupt) throw;
  }
  return std::nullopt;
}

}  // namespace

registry::ManifestBytes StoredFirst::manifest(const oci::Descriptor& descriptor) {
  if (auto bytes = stored(store_, descriptor, oci::max_manifest_bytes))
    return {.bytes = std::move(*bytes), .media_type = descriptor.media_type, .digest = descriptor.digest};
  return source_.manifest(descriptor);
}

void StoredFirst::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  if (offset == 0) {
    if (const auto bytes = stored(store_, descriptor, oci::max_config_bytes)) return sink.write(*bytes);
  }
  source_.blob(descriptor, sink, offset);
}

}  // namespace engine
