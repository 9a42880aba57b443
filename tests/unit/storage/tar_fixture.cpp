#include "tests/unit/storage/tar_fixture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace storage::test {
namespace {

constexpr std::size_t block = 512;

std::string octal(std::uint64_t number, std::size_t digits) {
  char buffer[32];
  const std::string text{buffer, std::to_chars(buffer, buffer + sizeof buffer, number, 8).ptr};
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

void put(std::string& header, std::size_t offset, std::string_view bytes) {
  header.replace(offset, bytes.size(), bytes);
}

std::string header_of(const TarItem& item) {
  std::string header(block, '\0');
  put(header, 0, item.name.substr(0, 100));
  put(header, 100, octal(item.mode, 7));
  put(header, 108, octal(item.uid, 7));
  put(header, 116, octal(item.gid, 7));
  put(header, 124, octal(item.size.value_or(item.content.size()), 11));
  put(header, 136, octal(static_cast<std::uint64_t>(item.mtime), 11));
  header[156] = item.type;
  put(header, 157, item.link.substr(0, 100));
  put(header, 257,
      std::string_view{"ustar\0"
                       "00",
                       8});
  for (const auto& [offset, bytes] : item.patches) put(header, offset, bytes);
  put(header, 148, "        ");
  unsigned sum = item.bad_checksum ? 1 : 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put(header, 148, octal(sum, 6) + '\0');
  return header;
}

/// Gives at most 1000 bytes a call, so that every boundary falls somewhere.
class SmallSteps final : public base::Source {
 public:
  explicit SmallSteps(std::string_view bytes) : bytes_(bytes) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = std::min({size, bytes_.size(), std::size_t{1000}});
    std::memcpy(buffer, bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

std::string describe(int parent, const std::string& name, const std::string& path, const struct stat& facts) {
  const std::string mode = octal(facts.st_mode & 07777, 3);
  if (S_ISCHR(facts.st_mode) && facts.st_rdev == 0) return base::concat("w ", path);
  if (S_ISFIFO(facts.st_mode)) return base::concat("p ", mode, " ", path);
  if (S_ISLNK(facts.st_mode)) {
    std::array<char, 5000> target{};
    const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    return base::concat("l ", path, " -> ", std::string_view{target.data(), static_cast<std::size_t>(size)});
  }
  if (!S_ISREG(facts.st_mode)) return base::concat("? ", path);
  const base::UniqueFd fd{::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  return base::concat("f ", mode, " ", path, " =", fd ? base::read_to_end(fd.get(), 1 << 20) : "(unreadable)");
}

void describe_below(int dir, const std::string& path, std::vector<std::string>& lines) {
  struct stat facts;
  ::fstat(dir, &facts);
  char opaque = 0;
  const bool is_opaque = ::fgetxattr(dir, "user.overlay.opaque", &opaque, 1) == 1 && opaque == 'y';
  lines.push_back(base::concat(is_opaque ? "o " : "d ", octal(facts.st_mode & 07777, 3), " ", path));
  for (const std::string& name : base::list_directory(dir, ".")) {
    const std::string below = path == "." ? name : base::concat(path, "/", name);
    ::fstatat(dir, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW);
    if (S_ISDIR(facts.st_mode))
      describe_below(base::open_directory(dir, name).get(), below, lines);
    else
      lines.push_back(describe(dir, name, below, facts));
  }
}

std::vector<OwnerRecord> read_owners(int target) {
  std::vector<OwnerRecord> records;
  const auto fd = base::try_open_file(target, "owners");
  OwnersReader reader(fd->get());
  while (std::optional<OwnerRecord> record = reader.next()) records.push_back(std::move(*record));
  return records;
}

}  // namespace

TarBuilder& TarBuilder::add(const TarItem& item) {
  bytes_ += header_of(item);
  bytes_ += item.content;
  bytes_.append(-item.content.size() % block, '\0');
  return *this;
}

TarBuilder& TarBuilder::file(std::string name, std::string content, unsigned mode) {
  return add({.name = std::move(name), .content = std::move(content), .mode = mode});
}

TarBuilder& TarBuilder::dir(std::string name, unsigned mode) {
  return add({.name = std::move(name), .type = '5', .mode = mode});
}

TarBuilder& TarBuilder::symlink(std::string name, std::string target) {
  return add({.name = std::move(name), .type = '2', .link = std::move(target)});
}

TarBuilder& TarBuilder::hard_link(std::string name, std::string target) {
  return add({.name = std::move(name), .type = '1', .link = std::move(target)});
}

TarBuilder& TarBuilder::device(std::string name, char type, std::string major, std::string minor) {
  return add({.name = std::move(name), .type = type, .patches = {{329, std::move(major)}, {337, std::move(minor)}}});
}

TarBuilder& TarBuilder::pax(const std::vector<std::pair<std::string, std::string>>& records, char type) {
  std::string content;
  for (const auto& [key, value] : records) content += pax_record(key, value);
  return add({.name = "PaxHeaders/x", .type = type, .content = std::move(content)});
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

TarBuilder& TarBuilder::end() {
  return raw(std::string(2 * block, '\0'));
}

std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (length != rest + std::to_string(length).size()) length = rest + std::to_string(length).size();
  return base::concat(length, " ", key, "=", value, "\n");
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  ::deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view bytes, int window_log) {
  ZSTD_CCtx* context = ::ZSTD_createCCtx();
  if (window_log != 0) {
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // In two steps, so that the size is not known in the header and the window stays as asked.
  ::ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  ::ZSTD_compressStream2(context, &output, &input, ZSTD_e_end);
  ::ZSTD_freeCCtx(context);
  out.resize(output.pos);
  return out;
}

Unpacked unpack(std::string_view archive, const UnpackOptions& options) {
  const base::TempDir temp;
  base::write_file_atomically(temp.fd(), "canary", "untouched", base::Durability::volatile_);
  const base::UniqueFd target = base::make_directory(temp.fd(), "target");
  SmallSteps source(options.compressed.empty() ? archive : options.compressed);
  Unpacked unpacked;
  try {
    unpacked.result = unpack_layer({.compressed = source,
                                    .compression = options.compression,
                                    .expected_diff_id = options.diff_id.value_or(base::sha256(archive)),
                                    .target_dir = target.get(),
                                    .owners = options.owners,
                                    .limits = options.limits});
    unpacked.owners = read_owners(target.get());
    const base::UniqueFd diff = base::open_directory(target.get(), "diff");
    if (options.inspect) options.inspect(diff.get());
    unpacked.tree = describe_tree(diff.get());
  } catch (const base::Error& error) {
    unpacked.error = error;
  }
  unpacked.canary_intact = base::read_file(temp.fd(), "canary", 100) == "untouched" &&
                           base::list_directory(temp.fd(), ".") == std::vector<std::string>{"canary", "target"};
  return unpacked;
}

std::vector<std::string> describe_tree(int dir) {
  std::vector<std::string> lines;
  describe_below(dir, ".", lines);
  return lines;
}

}  // namespace storage::test
