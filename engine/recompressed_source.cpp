#include "engine/recompressed_source.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "storage/blobs.hpp"
#include "storage/compress.hpp"
#include "storage/compress_chunked.hpp"
#include "storage/unpack_inflate.hpp"

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

/// A layer in its new form.
struct NewLayer {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size_bytes = 0;
  base::UniqueFd file;
  std::vector<std::pair<std::string, std::string>> annotations;
};

/// What is read is hashed, so that damage is noticed and not packed anew.
class HashedFile final : public base::Source {
 public:
  explicit HashedFile(int fd) : source_(fd) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = source_.read(buffer, size);
    hash_.update(buffer, count);
    return count;
  }
  base::Digest digest_of_all() {
    std::vector<char> rest(piece_bytes);
    while (read(rest.data(), rest.size()) > 0) continue;
    return hash_.finish();
  }

 private:
  base::FdSource source_;
  base::Sha256 hash_;
};

class NewFile final : public base::Sink {
 public:
  explicit NewFile(int fd) : fd_(fd) {}
  void write(std::string_view bytes) override {
    base::write_all(fd_, bytes);
    hash_.update(bytes);
    written_ += bytes.size();
  }
  base::Digest finish() { return hash_.finish(); }
  std::uint64_t written_bytes() const noexcept { return written_; }

 private:
  int fd_;
  base::Sha256 hash_;
  std::uint64_t written_ = 0;
};

std::string new_media_type(const oci::Manifest& manifest, oci::LayerCompression format) {
  if (manifest.media_type == oci::media_type_oci_manifest)
    return format == oci::LayerCompression::zstd ? "application/vnd.oci.image.layer.v1.tar+zstd"
                                                 : "application/vnd.oci.image.layer.v1.tar+gzip";
  if (format == oci::LayerCompression::zstd)
    throw base::Error(base::ErrorKind::unsupported, "Docker's format has no layers of zstd", "add --format oci");
  return "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

/// Makes the new layers, several at once.
class LayerMill {
 public:
  LayerMill(const storage::Store& store, const storage::Staging& staging, const oci::Manifest& manifest,
            const Recompression& how, const storage::UnpackLimits& limits, base::Progress& progress)
      : store_(store), staging_(staging), manifest_(manifest), how_(how), limits_(limits), progress_(progress) {
    made_.resize(manifest.layers.size());
  }

  std::vector<std::optional<NewLayer>> run() {
    std::vector<std::thread> threads;
    const std::size_t count = std::min<std::size_t>(std::max(1U, std::thread::hardware_concurrency()), made_.size());
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(made_);
  }

 private:
  void work() noexcept {
    for (std::size_t index = next_++; index < made_.size() && !stop_; index = next_++) {
      try {
        const oci::Descriptor& layer = manifest_.layers[index];
        if (!how_.also_if_the_same && is_as_wanted(layer)) continue;
        base::with_context([&] { made_[index] = make(layer, index); }, "compressing layer ", layer.digest.short_hex());
      } catch (...) {  // carried to the caller's thread, which throws it there
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        stop_ = true;
      }
    }
  }

  /// Whether there is a table in a layer, its annotations say.
  bool is_as_wanted(const oci::Descriptor& layer) const {
    if (oci::layer_compression(layer) != how_.format) return false;
    return !how_.chunked || std::any_of(layer.annotations.begin(), layer.annotations.end(), [](const auto& annotation) {
      return annotation.first.ends_with("containers.zstd-chunked.manifest-position");
    });
  }

  NewLayer make(const oci::Descriptor& layer, std::size_t index) {
    const std::optional<base::UniqueFd> kept = storage::open_blob(store_, layer.digest);
    if (!kept)
      throw base::make_error(base::ErrorKind::not_found, "the store has not kept its compressed bytes")
          .with_hint("with keep_blobs = true in engine.conf, pull the image again");
    const std::string name = base::concat("compressed-", index);
    base::UniqueFd file{::openat(staging_.dir(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file) throw base::os_error("creating ", base::quoted(name));
    HashedFile source(kept->get());
    NewFile target(file.get());
    auto annotations = compress(source, layer, target);
    if (source.digest_of_all() != layer.digest)
      throw base::Error(base::ErrorKind::corrupt, "it is damaged in the store",
                        "engine system check --repair fetches it again");
    return {new_media_type(manifest_, how_.format), target.finish(), target.written_bytes(), std::move(file),
            std::move(annotations)};
  }

  /// The uncompressed bytes of a layer, as far as they are.
  class WatchedSource final : public base::Source {
   public:
    WatchedSource(base::Source& from, std::function<bool(std::size_t)> goes_on)
        : from_(from), goes_on_(std::move(goes_on)) {}
    std::size_t read(void* buffer, std::size_t size) override {
      const std::size_t count = from_.read(buffer, size);
      return goes_on_(count) ? count : 0;
    }

   private:
    base::Source& from_;
    std::function<bool(std::size_t)> goes_on_;
  };

  storage::ChunkedAnnotations compress(base::Source& source, const oci::Descriptor& layer, base::Sink& target) {
    const std::string item = base::concat("compressing ", layer.digest.short_hex());
    progress_.begin(item, 0);
    const auto inflated = storage::open_inflater(source, oci::layer_compression(layer), limits_);
    std::uint64_t done = 0;
    WatchedSource plain(*inflated, [&](std::size_t count) {
      progress_.advance(item, done += count);
      return !stop_;
    });
    storage::ChunkedAnnotations annotations;
    if (how_.chunked)
      annotations = storage::compress_chunked(plain, target, how_.level, limits_);
    else
      compress_whole(plain, target);
    progress_.end(item, "done");
    return annotations;
  }

  void compress_whole(base::Source& plain, base::Sink& target) const {
    const auto compressor = storage::open_compressor(target, how_.format, how_.level);
    std::vector<char> buffer(piece_bytes);
    while (const std::size_t count = plain.read(buffer.data(), buffer.size()))
      compressor->write({buffer.data(), count});
    compressor->finish();
  }

  const storage::Store& store_;
  const storage::Staging& staging_;
  const oci::Manifest& manifest_;
  const Recompression& how_;
  const storage::UnpackLimits& limits_;
  base::Progress& progress_;
  std::vector<std::optional<NewLayer>> made_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

/// The manifest with these layers in place of its own; everything else as it was. Annotations of a layer that was made
/// anew may speak of its bytes, and go.
std::string with_layers(const std::string& manifest, const std::vector<std::optional<NewLayer>>& layers) {
  const base::JsonAt old = base::JsonAt::parse(manifest, "the manifest");
  base::JsonWriter json;
  json.begin_object();
  for (const auto& [key, value] : old.members()) {
    json.key(key);
    if (key != "layers") {
      json.raw(value.dump());
      continue;
    }
    json.begin_array();
    const std::vector<base::JsonAt> descriptors = value.array();
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      if (!layers[i]) {
        json.raw(descriptors[i].dump());
        continue;
      }
      json.begin_object().member("mediaType", layers[i]->media_type);
      json.member("digest", layers[i]->digest.text()).member("size", layers[i]->size_bytes);
      if (!layers[i]->annotations.empty()) json.member("annotations", layers[i]->annotations);
      json.end_object();
    }
    json.end_array();
  }
  return json.end_object().take();
}

oci::Manifest image_manifest(const registry::ManifestBytes& root) {
  auto parsed = oci::parse_manifest(root.bytes, root.media_type, "the manifest");
  if (auto* manifest = std::get_if<oci::Manifest>(&parsed)) return std::move(*manifest);
  throw base::Error(base::ErrorKind::unsupported, "the images of an index are not compressed anew");
}

}  // namespace

Recompression parse_compression(std::string_view text) {
  Recompression how;
  if (text != "gzip") how.format = oci::LayerCompression::zstd;
  how.chunked = text == "zstd:chunked";
  if (text == "gzip" || text == "zstd" || how.chunked) return how;
  throw base::make_error(base::ErrorKind::invalid_argument, "compression ", base::quoted(text),
                         " is not one of gzip, zstd, zstd:chunked");
}

RecompressedSource::RecompressedSource(const storage::Store& store, registry::ImageSource& original,
                                       const registry::ManifestBytes& root, const Recompression& how,
                                       const storage::UnpackLimits& limits, base::Progress& progress)
    : original_(original), staging_(storage::Staging::begin(store)), root_(root) {
  const oci::Manifest manifest = image_manifest(root);
  new_media_type(manifest, how.format);  // before work is put into it
  std::vector<std::optional<NewLayer>> layers = LayerMill(store, staging_, manifest, how, limits, progress).run();
  if (std::none_of(layers.begin(), layers.end(), [](const auto& layer) { return layer.has_value(); })) return;
  root_.bytes = with_layers(root.bytes, layers);
  root_.digest = base::sha256(root_.bytes);
  for (std::optional<NewLayer>& layer : layers) {
    if (layer) made_.insert_or_assign(layer->digest, std::move(layer->file));
  }
}

registry::ManifestBytes RecompressedSource::manifest(const oci::Descriptor& descriptor) {
  return original_.manifest(descriptor);
}

void RecompressedSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  const auto made = made_.find(descriptor.digest);
  if (made == made_.end()) return original_.blob(descriptor, sink, offset);
  std::vector<char> buffer(piece_bytes);
  for (std::uint64_t position = offset;;) {
    const ssize_t got = ::pread(made->second.get(), buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading a compressed layer");
    if (got == 0) return;
    sink.write({buffer.data(), static_cast<std::size_t>(got)});
    position += static_cast<std::uint64_t>(got);
  }
}

}  // namespace engine
