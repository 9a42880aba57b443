#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/reference.hpp"
#include "registry/byte_queue.hpp"
#include "registry/byte_range.hpp"
#include "registry/image_writer.hpp"
#include "registry/output_file.hpp"
#include "registry/spool.hpp"
#include "registry/tar_writer.hpp"

// write_docker_archive of image_writer.hpp: manifest.json for all readers since Docker 1.10; repositories and a folder
// a layer for those before. Source: Docker image specification v1.2 "Combined Image JSON + Filesystem Changeset
// Format".

namespace registry {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

bool is_config(const oci::Descriptor& blob) {
  return blob.media_type == "application/vnd.oci.image.config.v1+json" ||
         blob.media_type == "application/vnd.docker.container.image.v1+json" ||
         blob.media_type == "application/octet-stream";  // Docker before 1.10
}

/// Where the bytes of one layer go: into the archive, or, where no header can be added later, beside it first.
class MemberSink final : public base::Sink {
 public:
  MemberSink(TarWriter& tar, const SpoolPlace& spool) : tar_(tar) {
    if (tar.can_go_back())
      tar.begin_unnamed_file();
    else
      spool_.emplace(spool);
  }
  void write(std::string_view bytes) override {
    hash_.update(bytes);
    if (!spool_) return tar_.write(bytes);
    spool_->write(bytes);
  }
  base::Digest digest() { return hash_.finish(); }
  void keep(const std::string& name) {
    if (!spool_) return tar_.end_unnamed_file(name);
    const std::uint64_t size_bytes = spool_->size_bytes();
    tar_.begin_file(name, size_bytes);
    TarSink sink(tar_);
    stream_range({std::make_shared<const base::UniqueFd>(spool_->take()), 0, size_bytes}, 0, sink);
    tar_.end_file();
  }
  void discard() {
    if (!spool_) tar_.discard_unnamed_file();
  }

 private:
  class TarSink final : public base::Sink {
   public:
    explicit TarSink(TarWriter& tar) : tar_(tar) {}
    void write(std::string_view bytes) override { tar_.write(bytes); }

   private:
    TarWriter& tar_;
  };
  TarWriter& tar_;
  std::optional<Spool> spool_;
  base::Sha256 hash_;
};

/// What all images of one archive share.
class Archive {
 public:
  Archive(const std::string& path, Inflate inflate, const SpoolPlace& spool)
      : file_(path), tar_(file_.fd()), inflate_(std::move(inflate)), spool_(spool) {}

  bool has_layer(const base::Digest& blob) {
    const std::lock_guard lock(mutex_);
    return diff_ids_.contains(blob);
  }
  void put_layer(const oci::Descriptor& blob, ImageSource& source);
  /// Of a layer that was put. @throws Error corrupt, when it was not.
  base::Digest diff_id_of(const base::Digest& blob) const {
    const auto found = diff_ids_.find(blob);
    if (found == diff_ids_.end()) throw base::make_error(base::ErrorKind::internal, "layer ", blob, " was not written");
    return found->second;
  }
  void add_image(const base::Digest& config, const std::string& config_bytes, const std::vector<base::Digest>& diff_ids,
                 const std::vector<std::string>& names);
  void finish();

 private:
  void add_file_once(const std::string& name, std::string_view bytes) {
    if (files_.insert(name).second) tar_.add_file(name, bytes);
  }
  std::string add_old_folders(const std::string& config_bytes, const std::vector<base::Digest>& diff_ids);

  OutputFile file_;
  TarWriter tar_;
  Inflate inflate_;
  SpoolPlace spool_;
  std::mutex mutex_;
  std::map<base::Digest, base::Digest> diff_ids_;  ///< By the digest of the compressed layer.
  std::set<std::string> files_;
  std::vector<std::string> images_;                                         ///< Objects of manifest.json.
  std::map<std::string, std::map<std::string, std::string>> repositories_;  ///< Name, tag, topmost old folder.
};

std::string layer_name(const base::Digest& diff_id) {
  return base::concat(diff_id.hex(), ".tar");
}

void Archive::put_layer(const oci::Descriptor& blob, ImageSource& source) {
  const std::lock_guard lock(mutex_);  // a tar has one member after the other
  if (diff_ids_.contains(blob.digest)) return;
  const oci::LayerCompression compression = oci::layer_compression(blob);
  BlobReader reader(blob, source);
  const std::unique_ptr<base::Source> plain = inflate_(reader.bytes(), compression);
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  MemberSink member(tar_, spool_);
  while (const std::size_t got = plain->read(buffer.get(), piece_bytes)) member.write({buffer.get(), got});
  reader.finish();
  base::Digest diff_id = member.digest();
  // The same files may have been compressed in two ways.
  const std::string name = layer_name(diff_id);
  files_.insert(name).second ? member.keep(name) : member.discard();
  diff_ids_.emplace(blob.digest, std::move(diff_id));
}

/// Ids that depend on nothing but the layers below, and on the config for the topmost. Returns that one's.
std::string Archive::add_old_folders(const std::string& config_bytes, const std::vector<base::Digest>& diff_ids) {
  std::string parent;
  for (std::size_t index = 0; index < diff_ids.size(); ++index) {
    const bool is_top = index + 1 == diff_ids.size();
    const std::string id{
        base::sha256(base::concat(parent, " ", diff_ids[index], " ", is_top ? config_bytes : std::string{})).hex()};
    base::JsonWriter json;
    json.begin_object();
    json.member("id", id);
    if (!parent.empty()) json.member("parent", parent);
    json.member("created", "1970-01-01T00:00:00Z");
    if (is_top) {
      const base::JsonAt config = base::JsonAt::parse(config_bytes, "the config", {.max_bytes = oci::max_config_bytes});
      for (const char* key : {"architecture", "os", "author", "config"})
        if (const auto value = config.find(key)) json.key(key).raw(value->dump());
    }
    json.end_object();
    if (files_.insert(base::concat(id, "/layer.tar")).second)
      tar_.add_link(base::concat(id, "/layer.tar"), base::concat("../", layer_name(diff_ids[index])));
    add_file_once(base::concat(id, "/VERSION"), "1.0");
    add_file_once(base::concat(id, "/json"), json.text());
    parent = id;
  }
  return parent;
}

void Archive::add_image(const base::Digest& config, const std::string& config_bytes,
                        const std::vector<base::Digest>& diff_ids, const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  const std::string config_name = base::concat(config.hex(), ".json");
  add_file_once(config_name, config_bytes);
  const std::string top = add_old_folders(config_bytes, diff_ids);
  std::vector<std::string> layers;
  for (const base::Digest& diff_id : diff_ids) layers.push_back(layer_name(diff_id));
  for (const std::string& name : names) {
    const oci::Reference reference = oci::Reference::parse(name);
    if (!top.empty() && !reference.tag().empty()) repositories_[reference.repository()][reference.tag()] = top;
  }
  base::JsonWriter json;
  json.begin_object();
  json.member("Config", config_name);
  json.key("RepoTags");
  names.empty() ? json.null() : json.value(names);
  json.member("Layers", layers);
  json.end_object();
  images_.push_back(json.take());
}

void Archive::finish() {
  const std::lock_guard lock(mutex_);
  base::JsonWriter manifest;
  manifest.begin_array();
  for (const std::string& image : images_) manifest.raw(image);
  manifest.end_array();
  tar_.add_file("manifest.json", manifest.text());
  base::JsonWriter repositories;
  repositories.begin_object();
  for (const auto& [name, tags] : repositories_)
    repositories.member(name, std::vector<std::pair<std::string, std::string>>{tags.begin(), tags.end()});
  repositories.end_object();
  tar_.add_file("repositories", repositories.text());
  tar_.finish();
  file_.commit();
}

class DockerDestination final : public ImageDestination {
 public:
  DockerDestination(Archive& archive, std::vector<std::string> names) : archive_(archive), names_(std::move(names)) {}

  bool has_blob(const oci::Descriptor& blob) override { return !is_config(blob) && archive_.has_layer(blob.digest); }

  void put_blob(const oci::Descriptor& blob, ImageSource& source) override {
    if (!is_config(blob)) return archive_.put_layer(blob, source);
    base::StringSink sink(oci::max_config_bytes);
    VerifyingSink verifying(blob, sink);
    source.blob(blob, verifying, 0);
    verifying.verify();
    config_bytes_ = sink.take();
  }

  void put_manifest(const ManifestBytes&) override { throw no_index(); }

  void put_root(const ManifestBytes& manifest) override {
    const std::string what = base::concat("manifest ", manifest.digest);
    auto parsed = oci::parse_manifest(manifest.bytes, manifest.media_type, what);
    if (!std::holds_alternative<oci::Manifest>(parsed)) throw no_index();
    root_ = std::get<oci::Manifest>(std::move(parsed));
  }

  void commit() override {
    if (!root_) throw base::Error(base::ErrorKind::internal, "an image without a manifest was to be written");
    const oci::ImageConfig config =
        oci::parse_image_config(config_bytes_, base::concat("config ", root_->config.digest));
    std::vector<base::Digest> diff_ids;
    for (const oci::Descriptor& layer : root_->layers) diff_ids.push_back(archive_.diff_id_of(layer.digest));
    if (diff_ids != config.diff_ids)
      throw base::Error(base::ErrorKind::corrupt, "the layers are not those that the config names");
    archive_.add_image(root_->config.digest, config_bytes_, diff_ids, names_);
  }

 private:
  static base::Error no_index() {
    return base::make_error(base::ErrorKind::unsupported, "an archive of docker save holds images of one platform")
        .with_hint("an archive in OCI layout (oci-archive) holds indexes, too");
  }
  Archive& archive_;
  std::vector<std::string> names_;
  std::string config_bytes_;
  std::optional<oci::Manifest> root_;
};

class DockerSetWriter final : public ImageSetWriter {
 public:
  DockerSetWriter(const std::string& path, Inflate inflate, const SpoolPlace& spool)
      : archive_(path, std::move(inflate), spool) {}
  std::unique_ptr<ImageDestination> add_image(const std::vector<std::string>& names) override {
    return std::make_unique<DockerDestination>(archive_, names);
  }
  void finish() override { archive_.finish(); }

 private:
  Archive archive_;
};

}  // namespace

std::unique_ptr<ImageSetWriter> write_docker_archive(const std::string& path, Inflate inflate,
                                                     const SpoolPlace& spool) {
  return std::make_unique<DockerSetWriter>(path, std::move(inflate), spool);
}

}  // namespace registry
