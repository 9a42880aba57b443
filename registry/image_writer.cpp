#include "registry/image_writer.hpp"

#include "base/error.hpp"

namespace registry {

namespace {

class SingleImage final : public ImageDestination {
 public:
  SingleImage(std::unique_ptr<ImageSetWriter> set, const std::vector<std::string>& names)
      : set_(std::move(set)), image_(set_->add_image(names)) {}
  bool has_blob(const oci::Descriptor& blob) override { return image_->has_blob(blob); }
  void put_blob(const oci::Descriptor& blob, ImageSource& source) override { image_->put_blob(blob, source); }
  void put_manifest(const ManifestBytes& manifest) override { image_->put_manifest(manifest); }
  void put_root(const ManifestBytes& manifest) override { image_->put_root(manifest); }
  void commit() override {
    image_->commit();
    set_->finish();
  }

 private:
  std::unique_ptr<ImageSetWriter> set_;
  std::unique_ptr<ImageDestination> image_;
};

}  // namespace

std::unique_ptr<ImageDestination> single_image(std::unique_ptr<ImageSetWriter> set,
                                               const std::vector<std::string>& names) {
  return std::make_unique<SingleImage>(std::move(set), names);
}

void VerifyingSink::write(std::string_view bytes) {
  if (bytes.size() > expected_.size_bytes - written_)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", expected_.digest, " is longer than the promised ",
                           expected_.size_bytes, " bytes");
  hash_.update(bytes);
  written_ += bytes.size();
  next_.write(bytes);
}

void VerifyingSink::verify() {
  if (written_ != expected_.size_bytes || hash_.finish() != expected_.digest)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", expected_.digest, " is not what its digest says");
}

}  // namespace registry
