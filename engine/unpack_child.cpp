#include <atomic>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/channel.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/stream.hpp"
#include "engine/unpack_protocol.hpp"
#include "engine/unpack_sandbox.hpp"
#include "engine/verbs.hpp"
#include "engine/volume_archive.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/implied_directories.hpp"
#include "storage/unpack.hpp"

// `engine-transfer _unpack`; unpack_protocol.hpp has the picture.

namespace engine {
namespace {

/// Compressed bytes from a pipe or file, until somebody calls stop().
class StoppableSource final : public base::Source {
 public:
  explicit StoppableSource(base::UniqueFd bytes) : bytes_(std::move(bytes)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (!stop_) throw base::os_error("making an eventfd");
  }

  std::size_t read(void* buffer, std::size_t size) override {
    pollfd entries[] = {{bytes_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    while (::poll(entries, 2, -1) < 0)
      if (errno != EINTR) throw base::os_error("waiting for the layer's bytes");
    if (entries[1].revents != 0) throw base::make_error(base::ErrorKind::interrupted, "unpacking was stopped");
    return base::read_some(bytes_.get(), buffer, size);
  }

  /// Nobody reads any more: whoever still writes into the pipe must hear of it.
  void close() noexcept { bytes_.reset(); }

  /// From any thread.
  void stop() const noexcept { ::eventfd_write(stop_.get(), 1); }

 private:
  base::UniqueFd bytes_;
  base::UniqueFd stop_;
};

/// One layer in a thread of its own.
class RunningJob {
 public:
  RunningJob(LayerJob job, const storage::UnpackLimits& limits, storage::UnpackBudget& budget, base::UniqueFd target,
             base::UniqueFd bytes, base::Channel reply)
      : job_(std::move(job)),
        limits_(limits),
        budget_(budget),
        target_(std::move(target)),
        source_(std::move(bytes)),
        reply_(std::move(reply)),
        thread_([this] { run(); }) {}
  RunningJob(const RunningJob&) = delete;
  RunningJob& operator=(const RunningJob&) = delete;
  ~RunningJob() {
    source_.stop();
    thread_.join();
  }
  bool is_finished() const noexcept { return finished_; }

 private:
  void run() noexcept {
    try {
      const std::string verdict = unpack();
      source_.close();
      answer(verdict);
    } catch (const base::Error&) {  // pull is gone; the main thread sees the same
    }
    reply_.close();
    finished_ = true;
  }

  std::string unpack() {
    try {
      return encode(storage::unpack_layer({.compressed = source_,
                                           .compression = job_.compression,
                                           .expected_diff_id = job_.diff_id,
                                           .target_dir = target_.get(),
                                           .owners = job_.owners,
                                           .limits = limits_,
                                           .budget = &budget_,
                                           .stop_source = [this] { source_.stop(); }}));
    } catch (const base::Error& error) {
      return encode(error);
    } catch (const std::exception& error) {  // out of memory, for example
      return encode(base::Error{base::ErrorKind::internal, error.what()});
    }
  }

  void answer(const std::string& verdict) const { reply_.send(verdict); }

  LayerJob job_;
  const storage::UnpackLimits& limits_;
  storage::UnpackBudget& budget_;
  base::UniqueFd target_;
  StoppableSource source_;
  base::Channel reply_;
  std::atomic<bool> finished_{false};
  std::thread thread_;  // last: it uses all of the above
};

/// Where the layers are that a job may name.
struct Places {
  const base::UniqueFd& staging;
  const std::vector<base::UniqueFd>& fds;  ///< Of staging's parent, our layers, and those of shared stores.

  /// Where a layer is in this variant; our own folder of layers when nobody has it.
  int layers_with(const std::string& folder, const std::string& variant) const {
    for (std::size_t i = 1; i < fds.size(); ++i)
      if (base::exists(fds[i].get(), base::concat(folder, "/", variant, "/diff"))) return fds[i].get();
    return fds[1].get();
  }
};

/// In this thread: nothing else is to be done then.
void adopt(const Places& places, const base::Channel::Message& message) {
  const AdoptJob job = decode_adopt(message.bytes);
  std::vector<storage::LowerLayer> lowers;
  for (const AdoptJob::Lower& lower : job.lowers)
    lowers.push_back({.dir = lower.staged ? places.staging.get() : places.layers_with(lower.folder, job.variant),
                      .diff = base::concat(lower.folder, lower.staged ? "" : "/" + job.variant, "/diff"),
                      .owners = lower.folder + "/owners"});
  storage::adopt_implied_directories(base::open_directory(places.staging.get(), job.folder).get(), lowers, job.owners);
}

void adopt_and_answer(const Places& places, const base::Channel::Message& message, const base::Channel& reply) {
  std::string verdict;
  try {
    adopt(places, message);
    verdict = encode(storage::UnpackResult{});
  } catch (const base::Error& error) {
    verdict = encode(error);
  }
  try {
    reply.send(verdict);
  } catch (const base::Error&) {  // pull is gone; the next message that does not come says so
  }
}

/// Takes jobs until `done` (true) or the end of file (false).
bool serve(const base::Channel& channel, const Places& places, const storage::UnpackLimits& limits) {
  storage::UnpackBudget budget(limits);
  std::vector<std::unique_ptr<RunningJob>> jobs;
  while (std::optional<base::Channel::Message> message = channel.receive()) {
    std::erase_if(jobs, [](const auto& job) { return job->is_finished(); });
    if (kind_of(message->bytes) == UnpackMessage::done) return true;
    if (kind_of(message->bytes) == UnpackMessage::adopt) {
      const base::Channel reply{std::move(message->fds.at(0))};
      adopt_and_answer(places, *message, reply);
      continue;
    }
    LayerJob job = decode_job(message->bytes);
    if (message->fds.size() != 3)
      throw base::make_error(base::ErrorKind::internal, "a layer came with ", message->fds.size(), " descriptors");
    jobs.push_back(std::make_unique<RunningJob>(std::move(job), limits, budget, std::move(message->fds[0]),
                                                std::move(message->fds[1]), base::Channel{std::move(message->fds[2])}));
  }
  return false;
}

/// Tells everybody who asks why nothing can be unpacked here: pull says it once, and in its own words.
void refuse(const base::Channel& channel, const base::Error& error) {
  while (std::optional<base::Channel::Message> message = channel.receive()) {
    if (kind_of(message->bytes) == UnpackMessage::done) return;
    if (message->fds.empty()) continue;
    const base::Channel reply{std::move(message->fds.back())};
    try {
      reply.send(encode(error));
    } catch (const base::Error&) {  // it does not want to know any more
    }
  }
}

/// Entry by entry, because the sandbox permits nothing but removing a directory in the folder above.
void remove_staging(int parent, const std::string& name) {
  const std::optional<base::UniqueFd> dir = base::try_open_directory(parent, name);
  if (!dir) return;
  for (const std::string& entry : base::list_directory(dir->get(), ".")) base::remove_tree(dir->get(), entry);
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    throw base::os_error("removing the staging folder");
}

/// Until pull is done, or is gone: then what was unpacked goes, too.
void unpack_layers(const base::Channel& channel, const base::Channel::Message& first) {
  const StagingPlace place = decode_staging(first.bytes);
  if (first.fds.size() < 2) throw base::make_error(base::ErrorKind::internal, "no staging folder came");
  const int staging = first.fds[0].get();
  const base::UniqueFd dir = base::open_directory(staging, place.name);
  base::sha256("");  // OpenSSL reads its configuration now, while it may
  std::vector<int> layers;
  for (std::size_t i = 1; i < first.fds.size(); ++i) layers.push_back(first.fds[i].get());
  enter_unpack_sandbox(staging, place.name, layers, place.lowers);
  if (serve(channel, {dir, first.fds}, place.limits)) return;
  try {
    remove_staging(staging, place.name);
  } catch (const base::Error& error) {  // the next command does it; whoever saw the pull fail knows why already
    base::log(base::LogLevel::debug, error.message());
  }
}

}  // namespace

int unpack_child(Engine&) {
  ::prctl(PR_SET_NAME, "engine-transfer");  // executed as /proc/self/exe
  const base::Channel channel = rootless::enter_mapped_namespace(false);
  std::optional<base::Channel::Message> message = channel.receive();
  if (!message) return 0;
  if (kind_of(message->bytes) == UnpackMessage::volume) {
    import_volume_inside(channel, std::move(*message));
    return 0;
  }
  try {
    unpack_layers(channel, *message);
  } catch (const base::Error& error) {
    refuse(channel, error);
  }
  return 0;
}

}  // namespace engine
