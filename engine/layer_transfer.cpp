#include "engine/layer_transfer.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/stream.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

constexpr std::size_t workers = 2;
constexpr int pipe_bytes = 1024 * 1024;  // the most an ordinary user may ask for: /proc/sys/fs/pipe-max-size
constexpr std::uint64_t progress_step_bytes = 256 * 1024;

std::string item_of(const oci::Descriptor& layer) {
  return base::concat("layer ", layer.digest.short_hex());
}

/// To the child; counts for the user.
class PipeSink final : public base::Sink {
 public:
  PipeSink(int pipe, base::Progress& progress, std::string item, const std::atomic<bool>& stop)
      : pipe_(pipe), progress_(progress), item_(std::move(item)), stop_(stop) {}

  void write(std::string_view bytes) override {
    if (stop_) throw base::make_error(base::ErrorKind::interrupted, "another layer failed");
    try {
      base::write_all(pipe_, bytes);
    } catch (const base::Error& error) {
      reader_left_ = error.code() == EPIPE;
      throw;
    }
    done_ += bytes.size();
    if (done_ - reported_ < progress_step_bytes) return;
    reported_ = done_;
    progress_.advance(item_, done_);
  }
  /// The child stopped reading: its verdict says why.
  bool reader_left() const noexcept { return reader_left_; }

 private:
  int pipe_;
  base::Progress& progress_;
  std::string item_;
  const std::atomic<bool>& stop_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
  bool reader_left_ = false;
};

/// First into the file, so that no byte is fetched twice, then to the child.
class FileThenPipe final : public base::Sink {
 public:
  FileThenPipe(storage::BlobWriter& file, PipeSink& pipe) : file_(file), pipe_(pipe) {}
  void write(std::string_view bytes) override {
    file_.write(bytes);
    pipe_.write(bytes);
  }

 private:
  storage::BlobWriter& file_;
  PipeSink& pipe_;
};

/// Whether what was fetched before the failure may be the beginning of the right bytes.
bool is_worth_going_on(const base::Error& error) {
  switch (error.kind()) {
    case base::ErrorKind::network:
    case base::ErrorKind::interrupted:
    case base::ErrorKind::permission:
    case base::ErrorKind::not_found:
      return true;
    default:
      return false;
  }
}

/// From the start, with a place of its own.
std::optional<base::UniqueFd> read_again(const storage::BlobWriter& blob) {
  base::UniqueFd fd{::open(base::concat("/proc/self/fd/", blob.fd()).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening a fetched layer again");
  return fd;
}

/// Layers that are the same bytes, and so are fetched once: positions in the list of those that are wanted.
using Twins = std::vector<std::size_t>;

/// Hands the layers out to the threads, and keeps what they bring back.
class LayerQueue {
 public:
  LayerQueue(const TransferContext& context, const std::vector<std::size_t>& indexes)
      : context_(context), indexes_(indexes), groups_(group_twins(context.parts, indexes)), results_(indexes.size()) {}

  void run() noexcept;
  std::vector<TransferredLayer> take();

 private:
  static std::vector<Twins> group_twins(const ImageParts& parts, const std::vector<std::size_t>& indexes);
  void transfer_twins(const Twins& twins);
  TransferredLayer transfer(std::size_t index, const storage::BlobWriter* fetched);
  bool unpack_kept_blob(TransferredLayer& layer, const oci::Descriptor& descriptor, const storage::BlobWriter* fetched);
  void fetch(TransferredLayer& layer, const oci::Descriptor& descriptor);
  std::unique_ptr<storage::BlobWriter> open_file(const oci::Descriptor& descriptor) const;
  void unpack_from_source(TransferredLayer& layer, const oci::Descriptor& descriptor);
  base::UniqueFd make_folder(TransferredLayer& layer, std::string name) const;
  Unpacker::Layer begin_unpacking(const TransferredLayer& layer, const oci::Descriptor& descriptor, int folder,
                                  int compressed) const;

  const TransferContext& context_;
  const std::vector<std::size_t>& indexes_;
  const std::vector<Twins> groups_;
  std::vector<TransferredLayer> results_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

void LayerQueue::run() noexcept {
  for (std::size_t group = next_++; group < groups_.size() && !stop_; group = next_++) {
    try {
      transfer_twins(groups_[group]);
    } catch (...) {  // carried to the caller's thread, which throws it there
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stop_ = true;
    }
  }
}

std::vector<TransferredLayer> LayerQueue::take() {
  if (failure_) std::rethrow_exception(failure_);
  for (TransferredLayer& layer : results_) {
    if (!layer.blob) continue;
    layer.blob->keep_nothing();  // of use to no later pull: what is left to do is done here
    if (!context_.engine.config.keep_blobs) layer.blob.reset();
  }
  return std::move(results_);
}

std::vector<Twins> LayerQueue::group_twins(const ImageParts& parts, const std::vector<std::size_t>& indexes) {
  std::vector<Twins> groups;
  std::map<base::Digest, std::size_t> places;
  for (std::size_t position = 0; position < indexes.size(); ++position) {
    const auto [place, is_new] = places.emplace(parts.parsed.layers[indexes[position]].digest, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(position);
  }
  return groups;
}

void LayerQueue::transfer_twins(const Twins& twins) {
  TransferredLayer& first = results_[twins.front()];
  first = transfer(indexes_[twins.front()], nullptr);
  for (std::size_t next = 1; next < twins.size() && !stop_; ++next)
    results_[twins[next]] = transfer(indexes_[twins[next]], first.blob.get());
}

/// @param fetched  The layer's bytes, when this pull has them already.
TransferredLayer LayerQueue::transfer(std::size_t index, const storage::BlobWriter* fetched) {
  const oci::Descriptor& descriptor = context_.parts.parsed.layers[index];
  const std::string item = item_of(descriptor);
  base::Progress& progress = context_.engine.progress;
  TransferredLayer layer;
  layer.index = index;
  progress.begin(item, descriptor.size_bytes);
  base::with_context(
      [&] {
        if (!unpack_kept_blob(layer, descriptor, fetched)) fetch(layer, descriptor);
      },
      "pulling layer ", descriptor.digest.short_hex());
  progress.end(item, "done");
  return layer;
}

/// False when there is none, or when it turns out to be damaged: then it is fetched again.
bool LayerQueue::unpack_kept_blob(TransferredLayer& layer, const oci::Descriptor& descriptor,
                                  const storage::BlobWriter* fetched) {
  const std::optional<base::UniqueFd> blob =
      fetched ? read_again(*fetched) : storage::open_blob(context_.store, descriptor.digest);
  if (!blob) return false;
  const base::UniqueFd folder = make_folder(layer, base::concat("layer-", layer.index, "-kept"));
  try {
    layer.result = begin_unpacking(layer, descriptor, folder.get(), blob->get()).wait();
    return true;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    base::log(base::LogLevel::warn, "the kept blob ", descriptor.digest, " is fetched again: ", error.message());
    return false;
  }
}

void LayerQueue::fetch(TransferredLayer& layer, const oci::Descriptor& descriptor) {
  layer.blob = open_file(descriptor);
  const bool goes_on = layer.blob->written_bytes() > 0;
  try {
    return unpack_from_source(layer, descriptor);
  } catch (const base::Error& error) {
    if (is_worth_going_on(error)) throw;
    layer.blob->keep_nothing();
    if (!goes_on || error.kind() != base::ErrorKind::corrupt) throw;
    base::log(base::LogLevel::warn, "what an earlier pull left of blob ", descriptor.digest,
              " is of no use, so it is fetched from its start: ", error.message());
  }
  layer.blob.reset();
  layer.blob = open_file(descriptor);
  try {
    unpack_from_source(layer, descriptor);
  } catch (const base::Error& error) {
    if (!is_worth_going_on(error)) layer.blob->keep_nothing();
    throw;
  }
}

std::unique_ptr<storage::BlobWriter> LayerQueue::open_file(const oci::Descriptor& descriptor) const {
  if (context_.source.is_remote()) {
    std::optional<storage::PartialBlob> partial =
        storage::PartialBlob::open(context_.store, descriptor.digest, descriptor.size_bytes);
    if (partial)
      return std::make_unique<storage::BlobWriter>(context_.store, std::move(*partial), descriptor.digest,
                                                   descriptor.size_bytes);
  }
  return std::make_unique<storage::BlobWriter>(context_.store, context_.staging.dir(), descriptor.digest,
                                               descriptor.size_bytes);
}

void LayerQueue::unpack_from_source(TransferredLayer& layer, const oci::Descriptor& descriptor) {
  const std::uint64_t present = layer.blob->written_bytes();
  const std::string item = item_of(descriptor);
  const base::UniqueFd folder = make_folder(layer, base::concat("layer-", layer.index, present > 0 ? "-resumed" : ""));
  base::Pipe pipe = base::make_pipe();
  ::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, pipe_bytes);  // a smaller one works as well
  Unpacker::Layer unpacking = begin_unpacking(layer, descriptor, folder.get(), pipe.read_end.get());
  pipe.read_end.reset();
  PipeSink to_child(pipe.write_end.get(), context_.engine.progress, item, stop_);
  FileThenPipe sink(*layer.blob, to_child);
  try {
    if (present > 0) {
      context_.engine.progress.note(base::concat(item, ": ", base::human_size(present), " of ",
                                                 base::human_size(descriptor.size_bytes),
                                                 " are here from an earlier pull"));
      layer.blob->replay(to_child);
    }
    if (present < descriptor.size_bytes || present == 0) context_.source.blob(descriptor, sink, present);
    layer.blob->verify();
  } catch (const base::Error&) {
    // When the child gave up first, it knows the reason; otherwise its complaint about missing bytes is only an echo.
    if (to_child.reader_left()) unpacking.wait();
    throw;
  }
  pipe.write_end.reset();
  layer.result = unpacking.wait();
}

base::UniqueFd LayerQueue::make_folder(TransferredLayer& layer, std::string name) const {
  layer.folder = std::move(name);
  return base::make_directory(context_.staging.dir(), layer.folder);
}

Unpacker::Layer LayerQueue::begin_unpacking(const TransferredLayer& layer, const oci::Descriptor& descriptor,
                                            int folder, int compressed) const {
  return context_.unpacker.unpack(oci::layer_compression(descriptor), context_.parts.config.diff_ids[layer.index],
                                  folder, compressed);
}

}  // namespace

std::vector<TransferredLayer> transfer_layers(const TransferContext& context, const std::vector<std::size_t>& indexes) {
  LayerQueue queue(context, indexes);
  // A child that stops reading must be an error of write(2), not the end of this process.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);  // also later: one may be pending
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(workers, indexes.size()); ++i) threads.emplace_back([&] { queue.run(); });
  queue.run();
  for (std::thread& thread : threads) thread.join();
  return queue.take();
}

}  // namespace engine
