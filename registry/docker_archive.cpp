#include "registry/docker_archive.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"

namespace registry {

namespace {

constexpr std::string_view media_type_config = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view media_type_layer = "application/vnd.docker.image.rootfs.diff.tar";

/// One object of manifest.json.
struct SavedImage {
  std::string config;
  std::vector<std::string> repo_tags;
  std::vector<std::string> layers;
};

struct FoundBlob {
  std::string media_type;
  base::Digest digest;
  ByteRange range;
};

class HashSink final : public base::Sink {
 public:
  void write(std::string_view bytes) override { hash_.update(bytes); }
  base::Digest finish() { return hash_.finish(); }

 private:
  base::Sha256 hash_;
};

base::Digest digest_of(const ByteRange& range) {
  HashSink sink;
  stream_range(range, 0, sink);
  return sink.finish();
}

std::string_view compression_suffix(const ByteRange& range) {
  const std::string magic = read_piece(range, 0, 4);
  if (magic.substr(0, 2) == "\x1f\x8b") return ".gzip";
  if (magic == "\x28\xb5\x2f\xfd") return ".zstd";
  return "";
}

std::vector<SavedImage> parse_saved_images(std::string_view bytes, const std::string& what) {
  std::vector<SavedImage> images;
  for (const base::JsonAt& json : base::JsonAt::parse(bytes, what).array()) {
    images.push_back({.config = json.at("Config").string(),
                      .repo_tags = json.strings_or_empty("RepoTags"),
                      .layers = json.strings_or_empty("Layers")});
    if (images.back().layers.size() > oci::max_layers) throw json.error("has too many layers");
  }
  return images;
}

/// "busybox" and "docker.io/library/busybox:latest" are the same name.
std::string full_name(const std::string& name) {
  try {
    return oci::Reference::parse(name).to_string();
  } catch (const base::Error&) {  // an archive may hold any text; it is compared as it stands
    return name;
  }
}

ByteRange find_required(const NamedFiles& files, const std::string& name) {
  const std::optional<ByteRange> range = files.find(name);
  if (!range)
    throw base::make_error(base::ErrorKind::corrupt, files.description(), " is no archive of docker save: it has no ",
                           base::quoted(name))
        .with_hint("an archive in OCI layout is named with oci-archive:");
  return *range;
}

std::vector<SavedImage> read_saved_images(const NamedFiles& files) {
  const std::string what = base::concat("manifest.json of ", files.description());
  return parse_saved_images(read_range(find_required(files, "manifest.json"), oci::max_manifest_bytes, what), what);
}

class DockerArchiveSource final : public ImageSource {
 public:
  DockerArchiveSource(std::shared_ptr<const NamedFiles> files, const PathAndName& place)
      : files_(std::move(files)), place_(place) {
    image_ = choose(read_saved_images(*files_));
    read_blobs();
    manifest_ = write_manifest();
  }
  /// One that was chosen before.
  DockerArchiveSource(std::shared_ptr<const NamedFiles> files, SavedImage image)
      : files_(std::move(files)), image_(std::move(image)) {
    read_blobs();
    manifest_ = write_manifest();
  }

  ManifestBytes root_manifest() override {
    return {manifest_, std::string{oci::media_type_docker_manifest}, base::sha256(manifest_)};
  }
  ManifestBytes manifest(const oci::Descriptor& descriptor) override {
    ManifestBytes root = root_manifest();
    if (root.digest != descriptor.digest)
      throw error(base::ErrorKind::not_found, base::concat(" has no manifest ", descriptor.digest));
    return root;
  }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    const auto found = std::find_if(blobs_.begin(), blobs_.end(),
                                    [&](const FoundBlob& blob) { return blob.digest == descriptor.digest; });
    if (found == blobs_.end())
      throw error(base::ErrorKind::not_found, base::concat(" has no blob ", descriptor.digest));
    stream_range(found->range, offset, sink);
  }
  std::string suggested_name() const override {
    if (!place_.name.empty() && place_.name.front() != '@') return full_name(place_.name);
    return image_.repo_tags.empty() ? std::string{} : full_name(image_.repo_tags.front());
  }

 private:
  base::Error error(base::ErrorKind kind, std::string_view problem) const {
    return base::make_error(kind, files_->description(), problem);
  }

  SavedImage choose(std::vector<SavedImage> images) const {
    if (images.empty()) throw error(base::ErrorKind::not_found, " holds no image");
    if (place_.name.empty() && images.size() == 1) return std::move(images.front());
    std::vector<std::string> names;
    for (const SavedImage& image : images) names.insert(names.end(), image.repo_tags.begin(), image.repo_tags.end());
    const std::string hint = base::concat("it holds: ", base::join(names, ", "));
    if (place_.name.empty())
      throw error(base::ErrorKind::invalid_argument, " holds several images: add :NAME").with_hint(hint);
    if (place_.name.front() == '@') {
      const std::optional<std::uint64_t> index = base::parse_unsigned(std::string_view{place_.name}.substr(1));
      if (index && *index < images.size()) return std::move(images[*index]);
    }
    const std::string wanted = full_name(place_.name);
    for (SavedImage& image : images) {
      const auto is_wanted = [&](const std::string& tag) { return full_name(tag) == wanted; };
      if (std::any_of(image.repo_tags.begin(), image.repo_tags.end(), is_wanted)) return std::move(image);
    }
    throw error(base::ErrorKind::not_found, base::concat(" holds no image ", base::quoted(place_.name)))
        .with_hint(hint);
  }

  /// Config first, then the layers. The digest of an uncompressed layer is its diff id, so that the archive is not
  /// read twice; whoever reads the blob checks it.
  void read_blobs() {
    const ByteRange config_range = find_required(*files_, image_.config);
    const std::string what = base::concat("config of ", files_->description());
    const std::string config_bytes = read_range(config_range, oci::max_config_bytes, what);
    const oci::ImageConfig config = oci::parse_image_config(config_bytes, what);
    if (config.diff_ids.size() != image_.layers.size())
      throw error(base::ErrorKind::corrupt, base::concat(" has ", image_.layers.size(),
                                                         " layers, but its config names ", config.diff_ids.size()));
    blobs_.push_back({std::string{media_type_config}, base::sha256(config_bytes), config_range});
    for (std::size_t index = 0; index < image_.layers.size(); ++index) {
      const ByteRange range = find_required(*files_, image_.layers[index]);
      const std::string_view suffix = compression_suffix(range);
      base::Digest digest = suffix.empty() ? config.diff_ids[index] : digest_of(range);
      blobs_.push_back({base::concat(media_type_layer, suffix), std::move(digest), range});
    }
  }

  static void write_descriptor(base::JsonWriter& json, const FoundBlob& blob) {
    json.begin_object();
    json.member("mediaType", std::string_view{blob.media_type});
    json.member("size", blob.range.size_bytes);
    json.member("digest", std::string_view{blob.digest.text()});
    json.end_object();
  }

  std::string write_manifest() const {
    base::JsonWriter json;
    json.begin_object();
    json.member("schemaVersion", 2);
    json.member("mediaType", oci::media_type_docker_manifest);
    json.key("config");
    write_descriptor(json, blobs_.front());
    json.key("layers").begin_array();
    for (std::size_t index = 1; index < blobs_.size(); ++index) write_descriptor(json, blobs_[index]);
    json.end_array();
    json.end_object();
    return json.take();
  }

  std::shared_ptr<const NamedFiles> files_;
  PathAndName place_;
  SavedImage image_;
  std::vector<FoundBlob> blobs_;  ///< The config, then the layers from the lowest.
  std::string manifest_;
};

std::vector<std::string> full_names(const SavedImage& image) {
  std::vector<std::string> names;
  for (const std::string& tag : image.repo_tags) {
    std::string name = full_name(tag);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::unique_ptr<ImageSource> open_docker_archive(std::shared_ptr<const NamedFiles> files, const PathAndName& place) {
  return std::make_unique<DockerArchiveSource>(std::move(files), place);
}

std::vector<ArchivedImage> list_docker_archive(std::shared_ptr<const NamedFiles> files) {
  std::vector<ArchivedImage> images;
  for (SavedImage& image : read_saved_images(*files)) {
    std::vector<std::string> names = full_names(image);
    images.push_back({.names = std::move(names), .open = [files, image = std::move(image)] {
                        return std::make_unique<DockerArchiveSource>(files, image);
                      }});
  }
  return images;
}

}  // namespace registry
