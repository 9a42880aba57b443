#include "storage/compress_chunked.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "storage/compress.hpp"
#include "storage/unpack_tar.hpp"

namespace storage {

namespace {

constexpr std::uint64_t skippable_magic = 0x184D2A50;
constexpr std::string_view footer_magic = "GNUlInUx";
constexpr std::uint64_t kind_of_table = 1;
constexpr std::string_view annotation_prefix = "io.github.containers.zstd-chunked.";
constexpr std::string_view no_time = "0001-01-01T00:00:00Z";  // as Go writes it

/// Frames of zstd, one after the other, and how far they go.
class Frames final : public base::Sink {
 public:
  Frames(base::Sink& to, std::optional<unsigned> level) : counted_(to), compressor_(open_zstd(counted_, level)) {}

  void write(std::string_view bytes) override {
    compressor_->write(bytes);
    is_open_ = is_open_ || !bytes.empty();
  }
  /// What comes next begins a frame. @return  Where it does.
  std::uint64_t end_frame() {
    if (is_open_) compressor_->finish();
    is_open_ = false;
    return counted_.count;
  }
  /// Bytes that readers of zstd pass over.
  void skippable(std::string_view bytes) {
    counted_.write(little_endian(skippable_magic, 4) + little_endian(bytes.size(), 4));
    counted_.write(bytes);
  }
  static std::string little_endian(std::uint64_t number, unsigned count) {
    std::string bytes;
    for (unsigned i = 0; i < count; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
    return bytes;
  }

 private:
  struct Counted final : base::Sink {
    explicit Counted(base::Sink& next) : to(next) {}
    void write(std::string_view bytes) override {
      to.write(bytes);
      count += bytes.size();
    }
    base::Sink& to;
    std::uint64_t count = 0;
  };
  Counted counted_;
  std::unique_ptr<Compressor> compressor_;
  bool is_open_ = false;
};

/// RFC 4648, for values of extended attributes.
std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) text.push_back(j <= count ? digits[group >> (18 - 6 * j) & 63] : '=');
  }
  return text;
}

std::string_view name_of(tar::EntryType type) {
  switch (type) {
    case tar::EntryType::directory:
      return "dir";
    case tar::EntryType::symlink:
      return "symlink";
    case tar::EntryType::hard_link:
      return "hardlink";
    case tar::EntryType::fifo:
      return "fifo";
    case tar::EntryType::character_device:
      return "char";
    case tar::EntryType::block_device:
      return "block";
    default:
      return "reg";
  }
}

/// Where the content of a file lies among the frames.
struct Content {
  base::Digest digest;
  std::uint64_t begin = 0, end = 0;
};

void write_entry(base::JsonWriter& json, const tar::Entry& entry, const std::optional<Content>& content) {
  constexpr std::int64_t most_seconds = 9'000'000'000;  // what base::Time can hold
  const base::Time time{std::chrono::seconds{std::clamp(entry.mtime.seconds, -most_seconds, most_seconds)} +
                        std::chrono::nanoseconds{entry.mtime.nanoseconds}};
  json.begin_object().member("type", name_of(entry.type)).member("name", entry.path);
  if (!entry.link.empty()) json.member("linkName", entry.link);
  json.member("mode", static_cast<std::uint64_t>(entry.mode)).member("size", entry.size);
  json.member("uid", std::uint64_t{entry.uid}).member("gid", std::uint64_t{entry.gid});
  json.member("modtime", base::format_rfc3339(time)).member("accesstime", no_time).member("changetime", no_time);
  json.member("devMajor", std::uint64_t{entry.device_major}).member("devMinor", std::uint64_t{entry.device_minor});
  if (!entry.xattrs.empty()) {
    json.key("xattrs").begin_object();
    for (const auto& [name, value] : entry.xattrs) json.member(name, base64(value));
    json.end_object();
  }
  if (content)
    json.member("digest", content->digest.text()).member("offset", content->begin).member("endOffset", content->end);
  json.end_object();
}

/// What a table of JSON cannot say.
void check_can_be_said(const tar::Entry& entry) {
  const bool is_text = base::sanitize_utf8(entry.path) == entry.path && base::sanitize_utf8(entry.link) == entry.link;
  if (is_text && !entry.sparse) return;
  throw base::make_error(base::ErrorKind::unsupported, base::quoted(entry.path),
                         is_text ? " is a sparse file" : " has a name that is no UTF-8",
                         ", which zstd:chunked cannot describe")
      .with_hint("--compression-format zstd is as small");
}

/// Takes the content of one entry, so that it becomes a frame of its own.
std::optional<Content> take_content(const tar::Entry& entry, tar::Reader& archive, Frames& frames) {
  check_can_be_said(entry);
  if (entry.type != tar::EntryType::file || entry.size == 0) return std::nullopt;
  const std::uint64_t begin = frames.end_frame();
  base::Sha256 hash;
  for (std::string_view bytes = archive.data(); !bytes.empty(); bytes = archive.data()) hash.update(bytes);
  return Content{hash.finish(), begin, frames.end_frame()};
}

/// The table behind everything else, and where it is said to be found.
ChunkedAnnotations write_table(const std::string& table, Frames& frames, std::optional<unsigned> level) {
  base::StringSink packed(table.size() + (1U << 20));
  const std::unique_ptr<Compressor> compressor = open_zstd(packed, level);
  compressor->write(table);
  compressor->finish();
  const std::string bytes = packed.take();
  constexpr std::uint64_t header_bytes = 8;
  const std::uint64_t begin = frames.end_frame() + header_bytes;
  frames.skippable(bytes);
  std::string footer;
  for (const std::uint64_t number : {begin, std::uint64_t{bytes.size()}, std::uint64_t{table.size()}, kind_of_table})
    footer += Frames::little_endian(number, 8);
  frames.skippable(footer.append(footer_magic));
  return {{base::concat(annotation_prefix, "manifest-checksum"), base::sha256(bytes).text()},
          {base::concat(annotation_prefix, "manifest-position"),
           base::concat(begin, ':', bytes.size(), ':', table.size(), ':', kind_of_table)}};
}

void fill(UnpackRing& ring, base::Source& plain) noexcept {
  try {
    while (char* const buffer = ring.wait_for_space()) {
      const std::size_t count = plain.read(buffer, UnpackRing::buffer_bytes);
      if (count == 0) break;
      ring.commit(count);
    }
    ring.finish();
  } catch (...) {  // carried to the caller's thread, which throws it there
    ring.finish(std::current_exception());
  }
}

}  // namespace

ChunkedAnnotations compress_chunked(base::Source& plain, base::Sink& to, std::optional<unsigned> level,
                                    const UnpackLimits& limits) {
  UnpackRing ring;
  std::thread reading(fill, std::ref(ring), std::ref(plain));
  auto stop = base::on_scope_exit([&] {
    ring.cancel();
    reading.join();
  });
  Frames frames(to, level);
  LayerBytes bytes(ring);
  bytes.copy_to(frames);
  tar::Reader archive(bytes, limits);
  base::JsonWriter table;
  table.begin_object().member("version", 1).key("entries").begin_array();
  for (tar::Entry entry; archive.next(entry);) {
    const std::optional<Content> content = take_content(entry, archive, frames);
    write_entry(table, entry, content);
  }
  bytes.finish();
  frames.end_frame();
  return write_table(table.end_array().end_object().take(), frames, level);
}

}  // namespace storage
