#include "registry/dir_layout.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "registry/oci_layout.hpp"

namespace registry {

namespace {

class DirLayoutSource final : public ImageSource {
 public:
  DirLayoutSource(std::shared_ptr<const NamedFiles> files, std::string path)
      : files_(std::move(files)), path_(std::move(path)) {}

  ManifestBytes root_manifest() override {
    std::string bytes = read_manifest("manifest.json");
    base::Digest digest = base::sha256(bytes);
    return {std::move(bytes), {}, std::move(digest)};
  }

  ManifestBytes manifest(const oci::Descriptor& descriptor) override {
    std::string bytes = read_manifest(base::concat(descriptor.digest.hex(), ".manifest.json"));
    base::Digest digest = base::sha256(bytes);
    if (digest != descriptor.digest)
      throw base::make_error(base::ErrorKind::corrupt, "manifest ", descriptor.digest, " of ", files_->description(),
                             " has the digest ", digest);
    return {std::move(bytes), descriptor.media_type, std::move(digest)};
  }

  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    const ByteRange range = find_required(std::string{descriptor.digest.hex()});
    if (range.size_bytes != descriptor.size_bytes)
      throw base::make_error(base::ErrorKind::corrupt, files_->description(), ": blob ", descriptor.digest, " has ",
                             range.size_bytes, " bytes instead of ", descriptor.size_bytes);
    stream_range(range, offset, sink);
  }

  std::string suggested_name() const override { return name_from_path(path_, ""); }

 private:
  ByteRange find_required(const std::string& name) const {
    const std::optional<ByteRange> range = files_->find(name);
    if (!range) throw base::make_error(base::ErrorKind::corrupt, files_->description(), " lacks ", base::quoted(name));
    return *range;
  }
  std::string read_manifest(const std::string& name) const {
    return read_range(find_required(name), oci::max_manifest_bytes, base::concat(name, " of ", files_->description()));
  }

  std::shared_ptr<const NamedFiles> files_;
  std::string path_;
};

}  // namespace

std::unique_ptr<ImageSource> open_dir_layout(std::shared_ptr<const NamedFiles> files, const std::string& path) {
  return std::make_unique<DirLayoutSource>(std::move(files), path);
}

}  // namespace registry
