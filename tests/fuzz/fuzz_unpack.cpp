#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/unpack.hpp"

// Any bytes are a layer: whatever they hold, unpacking ends with a result or an Error, and nothing beside the layer's
// folder changes. Headers get their checksum here, since a fuzzer does not guess it.

namespace {

class Bytes final : public base::Source {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = std::min(size, bytes_.size());
    std::memcpy(buffer, bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

void set_checksums(std::string& archive) {
  constexpr std::size_t block = 512, checksum = 148;
  for (std::size_t start = 0; start + block <= archive.size(); start += block) {
    if (archive.compare(start + checksum, 2, "##") != 0) continue;  // the seeds mark their headers so
    std::memset(archive.data() + start + checksum, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += static_cast<unsigned char>(archive[start + i]);
    std::snprintf(archive.data() + start + checksum, 8, "%06o", sum);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const base::TempDir temp;
  std::string archive{reinterpret_cast<const char*>(data), size};
  set_checksums(archive);
  Bytes source(archive);
  const base::UniqueFd target = base::make_directory(temp.fd(), "target");
  try {
    storage::unpack_layer({.compressed = source,
                           .compression = oci::LayerCompression::none,
                           .expected_diff_id = base::sha256(archive),
                           .target_dir = target.get(),
                           .owners = storage::OwnerPolicy::single,
                           .limits = {.max_unpacked_bytes = 1 << 20, .max_entries = 300}});
  } catch (const base::Error&) {  // as it should be
  }
  if (base::list_directory(temp.fd(), ".") != std::vector<std::string>{"target"}) std::abort();
  for (const std::string& name : base::list_directory(target.get(), "."))
    if (name != "diff" && name != "owners" && name != "implied" && name != "opaque") std::abort();
  base::remove_tree(temp.fd(), "target");
  return 0;
}
