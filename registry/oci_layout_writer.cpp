#include <map>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/reference.hpp"
#include "registry/image_writer.hpp"
#include "registry/layout_files.hpp"

// write_oci_folder and write_oci_archive of image_writer.hpp. Source: OCI image-spec image-layout.md.

namespace registry {

namespace {

constexpr std::string_view ref_name_annotation = "org.opencontainers.image.ref.name";
constexpr std::string_view containerd_name_annotation = "io.containerd.image.name";
constexpr std::string_view marker = R"({"imageLayoutVersion":"1.0.0"})";

std::string blob_name(const base::Digest& digest) {
  return base::concat("blobs/sha256/", digest.hex());
}

std::string media_type_of(const ManifestBytes& manifest) {
  const auto parsed =
      oci::parse_manifest(manifest.bytes, manifest.media_type, base::concat("manifest ", manifest.digest));
  return std::visit([](const auto& either) { return either.media_type; }, parsed);
}

/// containerd and docker look for the full name; ref.name is what everybody else looks for.
std::string descriptor_text(const ManifestBytes& manifest, const std::string& name) {
  base::JsonWriter json;
  json.begin_object();
  json.member("mediaType", media_type_of(manifest));
  json.member("digest", manifest.digest.text());
  json.member("size", std::uint64_t{manifest.bytes.size()});
  if (!name.empty()) {
    json.key("annotations").begin_object();
    if (oci::Reference::is_qualified(name)) json.member(containerd_name_annotation, name);
    json.member(ref_name_annotation, name);
    json.end_object();
  }
  json.end_object();
  return json.take();
}

/// index.json as it was, and what is added to it.
class LayoutIndex {
 public:
  void read(std::string_view bytes) {
    const base::JsonAt json = base::JsonAt::parse(bytes, "index.json of the layout");
    for (const auto& [key, value] : json.members())
      if (key != "schemaVersion" && key != "mediaType" && key != "manifests") others_.emplace_back(key, value.dump());
    for (const base::JsonAt& entry : json.at("manifests").array()) entries_.push_back({name_of(entry), entry.dump()});
  }

  void add(const ManifestBytes& manifest, const std::string& name) {
    std::string text = descriptor_text(manifest, name);
    std::erase_if(entries_, [&](const Entry& entry) { return name.empty() ? entry.text == text : entry.name == name; });
    entries_.push_back({name, std::move(text)});
  }

  std::string text() const {
    base::JsonWriter json;
    json.begin_object();
    json.member("schemaVersion", 2);
    json.member("mediaType", oci::media_type_oci_index);
    json.key("manifests").begin_array();
    for (const Entry& entry : entries_) json.raw(entry.text);
    json.end_array();
    for (const auto& [key, value] : others_) json.key(key).raw(value);
    json.end_object();
    return json.take();
  }

 private:
  struct Entry {
    std::string name;  ///< Its org.opencontainers.image.ref.name.
    std::string text;
  };
  static std::string name_of(const base::JsonAt& entry) {
    const auto annotations = entry.find("annotations");
    return annotations ? annotations->string_or(ref_name_annotation, "") : std::string{};
  }
  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, std::string>> others_;
};

class OciDestination final : public ImageDestination {
 public:
  OciDestination(LayoutFiles& files, LayoutIndex& index, std::vector<std::string> names)
      : files_(files), index_(index), names_(std::move(names)) {}

  bool has_blob(const oci::Descriptor& blob) override {
    return files_.has(blob_name(blob.digest), blob.size_bytes, blob.digest);
  }

  void put_blob(const oci::Descriptor& blob, ImageSource& source) override {
    files_.put(blob_name(blob.digest), blob.size_bytes, [&](base::Sink& sink) {
      VerifyingSink verifying(blob, sink);
      source.blob(blob, verifying, 0);
      verifying.verify();
    });
  }

  void put_manifest(const ManifestBytes& manifest) override {
    const std::string name = blob_name(manifest.digest);
    if (!files_.has(name, manifest.bytes.size(), manifest.digest)) files_.put(name, manifest.bytes);
  }

  void put_root(const ManifestBytes& manifest) override {
    put_manifest(manifest);
    root_ = manifest;
  }

  void commit() override {
    if (!root_) throw base::Error(base::ErrorKind::internal, "an image without a manifest was to be written");
    if (names_.empty()) index_.add(*root_, "");
    for (const std::string& name : names_) index_.add(*root_, name);
  }

 private:
  LayoutFiles& files_;
  LayoutIndex& index_;
  std::vector<std::string> names_;
  std::optional<ManifestBytes> root_;
};

class OciSetWriter final : public ImageSetWriter {
 public:
  explicit OciSetWriter(std::unique_ptr<LayoutFiles> files) : files_(std::move(files)) {
    if (const auto earlier = files_->read_earlier("index.json", oci::max_manifest_bytes)) index_.read(*earlier);
    files_->put("oci-layout", marker);
  }
  std::unique_ptr<ImageDestination> add_image(const std::vector<std::string>& names) override {
    return std::make_unique<OciDestination>(*files_, index_, names);
  }
  void finish() override {
    files_->put("index.json", index_.text());
    files_->finish("index.json");
  }

 private:
  std::unique_ptr<LayoutFiles> files_;
  LayoutIndex index_;
};

}  // namespace

std::unique_ptr<ImageSetWriter> write_oci_folder(const std::string& path) {
  return std::make_unique<OciSetWriter>(write_folder_files(path, "oci-layout", EarlierFiles::kept));
}

std::unique_ptr<ImageSetWriter> write_oci_archive(const std::string& path) {
  return std::make_unique<OciSetWriter>(write_archive_files(path));
}

}  // namespace registry
