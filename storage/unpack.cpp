#include "storage/unpack.hpp"

#include <exception>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "storage/implied_directories.hpp"
#include "storage/unpack_bytes.hpp"
#include "storage/unpack_inflate.hpp"
#include "storage/unpack_ring.hpp"
#include "storage/unpack_tar.hpp"
#include "storage/unpack_writer.hpp"

namespace storage {
namespace {

/// Guards against what inflates without end; looked at after each buffer.
void check_bomb(std::uint64_t inflated, std::uint64_t compressed, const UnpackLimits& limits) {
  constexpr std::uint64_t header_allowance_bytes = 64ULL << 20;
  if (inflated > limits.ratio_after_bytes && inflated / limits.max_ratio > compressed)
    throw base::make_error(base::ErrorKind::corrupt, "the layer inflates to more than ", limits.max_ratio,
                           " times its size")
        .with_hint(UnpackBudget::hint);
  // Headers and trailing bytes come on top of the content, which the writer counts.
  if (inflated / 2 > limits.max_unpacked_bytes + header_allowance_bytes)
    throw base::make_error(base::ErrorKind::corrupt, "the layer unpacks to more than ", limits.max_unpacked_bytes,
                           " bytes")
        .with_hint(UnpackBudget::hint);
}

/// Bytes to be inflated.
struct Input {
  base::Source& compressed;
  oci::LayerCompression compression;
  const UnpackLimits& limits;
};

/// The first thread: fills the ring until the end, an error, or until nobody wants more.
void inflate_into(UnpackRing& ring, const Input& input) {
  CountingSource compressed(input.compressed);
  const std::unique_ptr<base::Source> inflated = open_inflater(compressed, input.compression, input.limits);
  std::uint64_t total = 0;
  while (char* const buffer = ring.wait_for_space()) {
    std::size_t filled = 0, count = 1;
    while (filled < UnpackRing::buffer_bytes && count > 0) {
      count = inflated->read(buffer + filled, UnpackRing::buffer_bytes - filled);
      filled += count;
    }
    if (filled == 0) return;
    total += filled;
    check_bomb(total, compressed.count(), input.limits);
    ring.commit(filled);
  }
}

void run_inflating_thread(UnpackRing& ring, const Input& input) noexcept {
  try {
    inflate_into(ring, input);
    ring.finish();
  } catch (...) {  // carried to the caller's thread, which throws it there
    ring.finish(std::current_exception());
  }
}

UnpackResult write_layer(LayerBytes& bytes, int diff, int owners, const UnpackRequest& request) {
  UnpackBudget own_budget(request.limits);
  LayerWriter writer(diff, owners, request.owners, request.limits, request.budget ? *request.budget : own_budget);
  tar::Reader archive(bytes, request.limits);
  tar::Entry entry;
  while (archive.next(entry)) writer.add(entry, archive);
  const base::Digest diff_id = bytes.finish();
  if (diff_id != request.expected_diff_id)
    throw base::make_error(base::ErrorKind::corrupt, "the layer's content has the digest ", diff_id,
                           ", but the image promises ", request.expected_diff_id);
  UnpackResult result = writer.finish();
  const std::vector<std::string> implied = writer.implied_directories();
  result.implied_directories = implied.size();
  write_implied_directories(request.target_dir, implied);
  if (writer.hides_all_below())
    base::create_file_exclusively(request.target_dir, "opaque", "", base::Durability::volatile_);
  return result;
}

UnpackResult write_files(LayerBytes& bytes, const UnpackFilesRequest& request) {
  UnpackBudget budget(request.limits, "the archive");
  LayerWriter writer(request.target_dir, request.unused_manifest, request.owners, request.limits, budget,
                     Markers::none);
  tar::Reader archive(bytes, request.limits);
  tar::Entry entry;
  while (archive.next(entry)) writer.add(entry, archive);
  bytes.finish();  // damage behind the end of the archive is damage
  return writer.finish();
}

char streamed_type(tar::EntryType type) {
  switch (type) {
    case tar::EntryType::file:
      return 'f';
    case tar::EntryType::directory:
      return 'd';
    case tar::EntryType::symlink:
      return 'l';
    case tar::EntryType::hard_link:
      return 'h';
    case tar::EntryType::fifo:
      return 'p';
    default:
      return 0;
  }
}

void write_zeros(int pipe, std::uint64_t count) {
  const std::string zeros(64 * 1024, '\0');
  for (; count > 0; count -= std::min<std::uint64_t>(count, zeros.size()))
    base::write_all(pipe, std::string_view{zeros}.substr(0, count));
}

/// With its holes as zeros.
void write_to_pipe(int pipe, const tar::Entry& entry, tar::Reader& archive) {
  if (!entry.sparse) {
    for (std::string_view bytes = archive.data(); !bytes.empty(); bytes = archive.data()) base::write_all(pipe, bytes);
    return;
  }
  std::uint64_t written = 0;
  for (const tar::SparseSpan& span : entry.spans) {
    write_zeros(pipe, span.offset - written);
    for (written = span.offset; written < span.offset + span.size;) {
      const std::string_view bytes = archive.data(span.offset + span.size - written);
      if (bytes.empty()) throw base::make_error(base::ErrorKind::corrupt, "the archive ends in a sparse file");
      base::write_all(pipe, bytes);
      written += bytes.size();
    }
  }
  write_zeros(pipe, entry.size - written);
}

void stream_one(const tar::Entry& entry, tar::Reader& archive, EntrySink& sink) {
  StreamedEntry sent{.type = streamed_type(entry.type),
                     .path = entry.path,
                     .link = entry.link,
                     .mode = entry.mode,
                     .uid = entry.uid,
                     .gid = entry.gid,
                     .size = entry.size,
                     .mtime_seconds = entry.mtime.seconds,
                     .mtime_nanoseconds = static_cast<std::uint32_t>(entry.mtime.nanoseconds),
                     .xattrs = {}};
  if (sent.type == 0) return;
  for (const auto& [name, value] : entry.xattrs)
    if (name.starts_with("user.")) sent.xattrs.emplace_back(name, value);
  if (sent.type != 'f') return sink.put(sent, -1);
  base::Pipe pipe = base::make_pipe();
  sink.put(sent, pipe.read_end.get());
  pipe.read_end.reset();
  write_to_pipe(pipe.write_end.get(), entry, archive);
}

/// Runs `write` with the bytes that another thread inflates.
template <class Write>
UnpackResult with_inflated(const Input& input, const std::function<void()>& stop_source, const Write& write) {
  UnpackRing ring;
  std::thread inflating(run_inflating_thread, std::ref(ring), std::cref(input));
  auto stop = base::on_scope_exit([&] {
    ring.cancel();
    if (stop_source) stop_source();
    inflating.join();
  });
  LayerBytes bytes(ring);
  const UnpackResult result = write(bytes);
  stop.cancel();
  inflating.join();
  return result;
}

}  // namespace

UnpackResult unpack_layer(const UnpackRequest& request) {
  const base::UniqueFd diff = base::make_directory(request.target_dir, "diff");
  // A set-group-ID staging folder would hand its group on.
  if (::fchmod(diff.get(), 0700) != 0) throw base::os_error("setting mode of \"diff\"");
  const base::UniqueFd owners{
      ::openat(request.target_dir, "owners", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!owners) throw base::os_error("creating \"owners\"");

  return with_inflated({request.compressed, request.compression, request.limits}, request.stop_source,
                       [&](LayerBytes& bytes) { return write_layer(bytes, diff.get(), owners.get(), request); });
}

UnpackResult unpack_files(const UnpackFilesRequest& request) {
  return with_inflated({request.compressed, oci::LayerCompression::none, request.limits}, nullptr,
                       [&](LayerBytes& bytes) { return write_files(bytes, request); });
}

void stream_files(base::Source& compressed, const UnpackLimits& limits, EntrySink& sink) {
  with_inflated({compressed, oci::LayerCompression::none, limits}, nullptr, [&](LayerBytes& bytes) {
    tar::Reader archive(bytes, limits);
    tar::Entry entry;
    while (archive.next(entry)) stream_one(entry, archive, sink);
    bytes.finish();
    return UnpackResult{};
  });
}

}  // namespace storage
