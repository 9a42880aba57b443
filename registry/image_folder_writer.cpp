#include <utility>

#include "base/error.hpp"
#include "registry/image_writer.hpp"
#include "registry/layout_files.hpp"

// write_image_folder of image_writer.hpp: the transport dir. Source: containers-transports(5) "dir:path".

namespace registry {

namespace {

constexpr std::string_view version_text = "Directory Transport Version: 1.1\n";

class FolderDestination final : public ImageDestination {
 public:
  explicit FolderDestination(LayoutFiles& files) : files_(files) {}

  bool has_blob(const oci::Descriptor& blob) override {
    return files_.has(std::string{blob.digest.hex()}, blob.size_bytes, blob.digest);
  }
  void put_blob(const oci::Descriptor& blob, ImageSource& source) override {
    files_.put(std::string{blob.digest.hex()}, blob.size_bytes, [&](base::Sink& sink) {
      VerifyingSink verifying(blob, sink);
      source.blob(blob, verifying, 0);
      verifying.verify();
    });
  }
  void put_manifest(const ManifestBytes& manifest) override {
    files_.put(base::concat(manifest.digest.hex(), ".manifest.json"), manifest.bytes);
  }
  void put_root(const ManifestBytes& manifest) override { files_.put("manifest.json", manifest.bytes); }
  void commit() override {}

 private:
  LayoutFiles& files_;
};

class FolderSetWriter final : public ImageSetWriter {
 public:
  explicit FolderSetWriter(const std::string& path)
      : files_(write_folder_files(path, "version", EarlierFiles::removed)) {}

  std::unique_ptr<ImageDestination> add_image(const std::vector<std::string>&) override {
    if (std::exchange(has_image_, true))
      throw base::Error(base::ErrorKind::unsupported, "a folder of the kind dir: holds one image")
          .with_hint("an OCI layout (oci-dir) holds several");
    return std::make_unique<FolderDestination>(*files_);
  }
  void finish() override {
    files_->put("version", version_text);
    files_->finish("manifest.json");
  }

 private:
  std::unique_ptr<LayoutFiles> files_;
  bool has_image_ = false;
};

}  // namespace

std::unique_ptr<ImageSetWriter> write_image_folder(const std::string& path) {
  return std::make_unique<FolderSetWriter>(path);
}

}  // namespace registry
