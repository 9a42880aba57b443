#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <sys/mman.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "registry/docker_archive.hpp"
#include "registry/oci_layout.hpp"
#include "registry/tar_index.hpp"

// Any bytes are an image archive: reading its table of contents, and every image and blob that it says it holds, ends
// with bytes or with an Error. Header checksums written as "########" are filled in first.

namespace {

constexpr std::size_t block_bytes = 512, checksum_at = 148, checksum_bytes = 8;

void fill_in_checksums(std::string& bytes) {
  for (std::size_t start = 0; start + block_bytes <= bytes.size(); start += block_bytes) {
    char* block = bytes.data() + start;
    if (std::memcmp(block + checksum_at, "########", checksum_bytes) != 0) continue;
    std::memset(block + checksum_at, ' ', checksum_bytes);
    unsigned sum = 0;
    for (std::size_t index = 0; index < block_bytes; ++index) sum += static_cast<unsigned char>(block[index]);
    std::snprintf(block + checksum_at, checksum_bytes, "%06o", sum);
  }
}

/// Bytes that are only counted.
class NoSink final : public base::Sink {
 public:
  void write(std::string_view) override {}
};

void read_image(const registry::ArchivedImage& image) {
  try {
    const auto source = image.open();
    const registry::ManifestBytes root = source->root_manifest();
    const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest");
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (manifest == nullptr) return;
    NoSink sink;
    source->blob(manifest->config, sink, 0);
    for (const oci::Descriptor& layer : manifest->layers) source->blob(layer, sink, 1);
  } catch (const base::Error&) {  // as it should be
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes{reinterpret_cast<const char*>(data), size};
  fill_in_checksums(bytes);
  const auto file = std::make_shared<const base::UniqueFd>(::memfd_create("archive", MFD_CLOEXEC));
  base::write_all(file->get(), bytes);
  std::shared_ptr<const registry::NamedFiles> files;
  try {
    files = std::make_shared<const registry::TarIndex>(registry::TarIndex::read(file, "archive"));
  } catch (const base::Error&) {
    return 0;
  }
  for (const bool is_docker : {false, true}) {
    try {
      for (const registry::ArchivedImage& image :
           is_docker ? registry::list_docker_archive(files) : registry::list_oci_layout(files, ""))
        read_image(image);
    } catch (const base::Error&) {  // as it should be
    }
  }
  return 0;
}
