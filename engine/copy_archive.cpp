#include "engine/copy_archive.hpp"

#include <unistd.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/stream.hpp"
#include "engine/copy_words.hpp"
#include "engine/error_bytes.hpp"
#include "registry/archive_file.hpp"
#include "storage/unpack.hpp"

namespace engine {
namespace {

constexpr int channel_number = 3;

/// Not every entry that comes makes the input an archive: podman refuses an empty one.
class CountingSink final : public storage::EntrySink {
 public:
  explicit CountingSink(const base::Channel& channel) : sink_(channel) {}
  void put(const storage::StreamedEntry& entry, int content) override {
    ++count;
    sink_.put(entry, content);
  }
  void finish() { sink_.finish(); }
  std::uint64_t count = 0;

 private:
  CopyChannelSink sink_;
};

void read_archive(const Engine& engine, const base::Channel& channel) {
  base::UniqueFd input = base::duplicate(STDIN_FILENO);
  const bool can_look = ::lseek(input.get(), 0, SEEK_CUR) >= 0;  // a pipe's bytes can be read only once
  if (can_look && registry::is_compressed_for_archives_only(input.get()))
    input = registry::uncompressed_copy(input.get(), engine.config.spool);
  base::FdSource source(input.get());
  CountingSink sink(channel);
  try {
    storage::stream_files(source, engine.config.unpack_limits, sink);
  } catch (base::Error& error) {
    if (error.kind() == base::ErrorKind::corrupt)
      error.add_context("source must be a (compressed) tar archive when copying from stdin");
    throw;
  }
  if (sink.count == 0)
    throw base::make_error(base::ErrorKind::invalid_argument,
                           "source must be a (compressed) tar archive when copying from stdin");
  sink.finish();
}

}  // namespace

int read_archive_for_copy(Engine& engine) {
  const base::Channel channel{base::UniqueFd{channel_number}};
  try {
    read_archive(engine, channel);
    return 0;
  } catch (const base::Error& error) {
    channel.send(base::concat(copy_words::failure, encode_error(error)));
    return 125;
  }
}

}  // namespace engine
