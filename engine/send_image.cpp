#include "engine/send_image.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"

namespace engine {
namespace {

constexpr unsigned max_nested_indexes = 4;
constexpr std::size_t max_manifests = 1000;
constexpr std::uint64_t progress_step_bytes = 256 * 1024;

/// Source: OCI image-spec layer.md "Non-Distributable Layers".
bool may_be_distributed(const oci::Descriptor& layer) {
  const std::string_view type = layer.media_type;
  return type.find(".nondistributable.") == std::string_view::npos &&
         type.find(".rootfs.foreign.") == std::string_view::npos;
}

class TreeReader {
 public:
  explicit TreeReader(registry::ImageSource& source) : source_(source) {}

  void read(const registry::ManifestBytes& top, unsigned depth) {
    if (depth > max_nested_indexes) throw base::Error(base::ErrorKind::corrupt, "indexes are nested too deep");
    const auto parsed = oci::parse_manifest(top.bytes, top.media_type, base::concat("manifest ", top.digest));
    if (const auto* manifest = std::get_if<oci::Manifest>(&parsed)) return add_blobs(*manifest);
    for (const oci::Descriptor& child : std::get<oci::Index>(parsed).manifests) {
      if (!seen_manifests_.insert(child.digest).second) continue;
      if (seen_manifests_.size() > max_manifests)
        throw base::make_error(base::ErrorKind::corrupt, "the index names more than ", max_manifests, " manifests");
      registry::ManifestBytes below = source_.manifest(child);
      read(below, depth + 1);
      manifests_.push_back(std::move(below));
    }
  }
  std::vector<registry::ManifestBytes> take_manifests() { return std::move(manifests_); }
  std::vector<oci::Descriptor> take_blobs() {
    std::stable_sort(blobs_.begin(), blobs_.end(), [](const oci::Descriptor& one, const oci::Descriptor& other) {
      return one.size_bytes > other.size_bytes;
    });
    return std::move(blobs_);
  }

 private:
  void add_blobs(const oci::Manifest& manifest) {
    const auto add = [&](const oci::Descriptor& blob) {
      if (seen_blobs_.insert(blob.digest).second) blobs_.push_back(blob);
    };
    for (const oci::Descriptor& layer : manifest.layers) {
      if (may_be_distributed(layer)) add(layer);
    }
    add(manifest.config);
  }

  registry::ImageSource& source_;
  std::set<base::Digest> seen_manifests_;
  std::set<base::Digest> seen_blobs_;
  std::vector<registry::ManifestBytes> manifests_;
  std::vector<oci::Descriptor> blobs_;
};

/// Counts for the user, and stops when another blob failed.
class CountingSink final : public base::Sink {
 public:
  CountingSink(base::Sink& to, base::Progress& progress, const std::string& item, std::uint64_t offset,
               const std::atomic<bool>& stop)
      : to_(to), progress_(progress), item_(item), done_(offset), reported_(offset), stop_(stop) {}
  void write(std::string_view bytes) override {
    if (stop_) throw base::Error(base::ErrorKind::interrupted, "another blob failed");
    to_.write(bytes);
    done_ += bytes.size();
    if (done_ - reported_ < progress_step_bytes) return;
    reported_ = done_;
    progress_.advance(item_, done_);
  }

 private:
  base::Sink& to_;
  base::Progress& progress_;
  const std::string& item_;
  std::uint64_t done_;
  std::uint64_t reported_;
  const std::atomic<bool>& stop_;
};

/// One blob of the source, watched on its way.
class WatchedSource final : public registry::ImageSource {
 public:
  WatchedSource(registry::ImageSource& source, base::Progress& progress, const std::string& item,
                const std::atomic<bool>& stop)
      : source_(source), progress_(progress), item_(item), stop_(stop) {}
  registry::ManifestBytes root_manifest() override { return source_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return source_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    CountingSink counting(sink, progress_, item_, offset, stop_);
    source_.blob(descriptor, counting, offset);
  }
  std::string suggested_name() const override { return source_.suggested_name(); }

 private:
  registry::ImageSource& source_;
  base::Progress& progress_;
  const std::string& item_;
  const std::atomic<bool>& stop_;
};

bool is_layer(const oci::Descriptor& blob) {
  return blob.media_type.find("layer") != std::string::npos || blob.media_type.find("rootfs") != std::string::npos;
}

/// Hands the blobs out to the threads.
class BlobQueue {
 public:
  BlobQueue(registry::ImageSource& source, registry::ImageDestination& destination, const ImageTree& tree,
            base::Progress& progress, const SendOptions& options)
      : source_(source), destination_(destination), progress_(progress), options_(options) {
    for (const oci::Descriptor& blob : tree.blobs) sent_.push_back({.blob = blob, .was_there = false});
  }

  /// The smallest one alone: what it teaches about the registry (scheme, login) is not found out by all at once.
  void look_first() {
    if (!sent_.empty()) smallest_is_there_ = destination_.has_blob(sent_.back().blob);
  }
  void run() noexcept {
    for (std::size_t index = next_++; index < sent_.size() && !stop_; index = next_++) {
      try {
        send(sent_[index]);
      } catch (...) {  // carried to the caller's thread, which throws it there
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        stop_ = true;
      }
    }
  }
  std::vector<SentBlob> take() {
    if (failure_) std::rethrow_exception(failure_);
    return std::move(sent_);
  }

 private:
  void send(SentBlob& sent) {
    const std::string item = base::concat(is_layer(sent.blob) ? "layer " : "blob ", sent.blob.digest.short_hex());
    sent.was_there = &sent == &sent_.back() ? smallest_is_there_ : destination_.has_blob(sent.blob);
    if (options_.is_rehearsal) return;
    progress_.begin(item, sent.blob.size_bytes);
    if (!sent.was_there) {
      WatchedSource watched(source_, progress_, item, stop_);
      base::with_context([&] { destination_.put_blob(sent.blob, watched); }, "sending ", item);
      progress_.advance(item, sent.blob.size_bytes);
    }
    progress_.end(item, sent.was_there ? "already there" : "done");
  }

  registry::ImageSource& source_;
  registry::ImageDestination& destination_;
  base::Progress& progress_;
  const SendOptions& options_;
  std::vector<SentBlob> sent_;
  bool smallest_is_there_ = false;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

ImageTree read_image_tree(registry::ImageSource& source, registry::ManifestBytes root) {
  TreeReader reader(source);
  reader.read(root, 0);
  return {std::move(root), reader.take_manifests(), reader.take_blobs()};
}

std::vector<base::Digest> digests_of(const ImageTree& tree) {
  std::vector<base::Digest> digests{tree.root.digest};
  for (const registry::ManifestBytes& manifest : tree.manifests) digests.push_back(manifest.digest);
  return digests;
}

std::vector<SentBlob> send_image(registry::ImageSource& source, registry::ImageDestination& destination,
                                 const ImageTree& tree, base::Progress& progress, const SendOptions& options) {
  BlobQueue queue(source, destination, tree, progress, options);
  queue.look_first();
  // A peer that stops reading must be an error of write(2), not the end of this process.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);  // also later: one may be pending
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(options.connections, tree.blobs.size()); ++i)
    threads.emplace_back([&] { queue.run(); });
  queue.run();
  for (std::thread& thread : threads) thread.join();
  std::vector<SentBlob> sent = queue.take();
  if (options.is_rehearsal) return sent;
  for (const registry::ManifestBytes& manifest : tree.manifests) destination.put_manifest(manifest);
  destination.put_root(tree.root);
  destination.commit();
  return sent;
}

}  // namespace engine
