#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/oci/manifest.hpp"
#include "base/stream.hpp"
#include "registry/image_destination.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// Several images that go into one archive or folder.
class ImageSetWriter {
 public:
  virtual ~ImageSetWriter() = default;
  /// Where one more image goes. Its commit() adds it to the set; only one may be under way at a time.
  /// @param names  Full names, "docker.io/library/busybox:latest"; none: it is found by its place or digest.
  virtual std::unique_ptr<ImageDestination> add_image(const std::vector<std::string>& names) = 0;
  /// Makes everything that was committed visible, at once. Without it nothing stays.
  virtual void finish() = 0;
};

/// The uncompressed bytes of a layer. Given by the caller, because decompressors belong to others.
using Inflate = std::function<std::unique_ptr<base::Source>(base::Source& compressed, oci::LayerCompression declared)>;
/// gzip, for layers that lie uncompressed.
using Compress = std::function<void(base::Source& plain, base::Sink& compressed)>;

/// "oci:path": images are added to a layout that is there, or it is made; one of the same name is replaced.
std::unique_ptr<ImageSetWriter> write_oci_folder(const std::string& path);
/// "oci-archive:path"; path "-" is standard output.
std::unique_ptr<ImageSetWriter> write_oci_archive(const std::string& path);
/// "docker-archive:path", as docker save writes it: layers uncompressed. Path "-" is standard output.
/// @param spool  For layers on their way to a pipe: their size comes first.
std::unique_ptr<ImageSetWriter> write_docker_archive(const std::string& path, Inflate inflate,
                                                     const SpoolPlace& spool = {});
/// "dir:path": one image, its manifest and blobs side by side. What is there is replaced, if it is such a folder.
std::unique_ptr<ImageSetWriter> write_image_folder(const std::string& path);

/// A set of one image, for who knows no more than destinations: commit() finishes the set, too.
std::unique_ptr<ImageDestination> single_image(std::unique_ptr<ImageSetWriter> set,
                                               const std::vector<std::string>& names);

/// Checks digest and size of a blob on its way. @throws Error corrupt from write() and verify().
class VerifyingSink final : public base::Sink {
 public:
  VerifyingSink(const oci::Descriptor& expected, base::Sink& next) : expected_(expected), next_(next) {}
  void write(std::string_view bytes) override;
  /// All bytes were there.
  void verify();

 private:
  const oci::Descriptor& expected_;
  base::Sink& next_;
  base::Sha256 hash_;
  std::uint64_t written_ = 0;
};

}  // namespace registry
