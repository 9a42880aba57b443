#include "storage/unpack_tar.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace storage::tar {
namespace {

constexpr unsigned max_extensions = 16;  ///< Extension headers before one entry.
constexpr std::string_view posix_magic{"ustar\0", 6}, gnu_magic{"ustar  \0", 8}, star_trailer{"tar\0", 4};

template <class... Parts>
base::Error corrupt(const Parts&... parts) {
  return base::make_error(base::ErrorKind::corrupt, parts...);
}

std::uint64_t stored_size(const Block& block) {
  const std::int64_t size = number(block, size_field, "size");
  if (size < 0) throw corrupt("the size in a header is negative");
  return static_cast<std::uint64_t>(size);
}

std::string header_name(const Block& block) {
  const std::string_view name = text(block, name_field);
  if (!raw(block, magic_field).starts_with(posix_magic)) return std::string{name};
  const bool star = raw(block, star_trailer_field) == star_trailer;
  const std::string_view prefix = text(block, star ? star_prefix_field : prefix_field);
  return prefix.empty() ? std::string{name} : base::concat(prefix, "/", name);
}

EntryType entry_type(char flag) {
  switch (flag) {
    case '\0':
    case '0':
    case '7':  // contiguous file
    case 'S':  // GNU sparse file
      return EntryType::file;
    case '1':
      return EntryType::hard_link;
    case '2':
      return EntryType::symlink;
    case '3':
      return EntryType::character_device;
    case '4':
      return EntryType::block_device;
    case '5':
      return EntryType::directory;
    case '6':
      return EntryType::fifo;
    default:
      throw base::make_error(base::ErrorKind::unsupported, "the archive has an entry of unknown type ",
                             base::quoted(std::string_view{&flag, 1}));
  }
}

std::uint32_t checked_id(std::int64_t id, std::string_view what) {
  // The highest number means "no change" to chown(2).
  if (id < 0 || id >= 0xffff'ffffLL) throw corrupt("the ", what, " ", id, " is out of range");
  return static_cast<std::uint32_t>(id);
}

std::uint32_t device_number(const Block& block, Field field) {
  const std::int64_t value = number(block, field, "device");
  if (value < 0 || value > 0xffff'ffffLL) throw corrupt("a device number is out of range");
  return static_cast<std::uint32_t>(value);
}

/// Four or 21 pairs of 12-byte numbers; the first empty pair ends them.
void add_gnu_spans(std::vector<SparseSpan>& spans, std::string_view bytes) {
  constexpr std::size_t pair_bytes = 24;
  for (; bytes.size() >= pair_bytes && bytes[0] != 0; bytes.remove_prefix(pair_bytes)) {
    const std::optional<std::int64_t> offset = parse_number(bytes.substr(0, 12)),
                                      size = parse_number(bytes.substr(12, 12));
    if (!offset || !size || *offset < 0 || *size < 0 || spans.size() == max_sparse_spans)
      throw corrupt("the map of a sparse file is wrong");
    spans.push_back({static_cast<std::uint64_t>(*offset), static_cast<std::uint64_t>(*size)});
  }
}

}  // namespace

bool Reader::next(Entry& entry) {
  skip_rest();
  Extensions extensions;
  Block block;
  for (unsigned count = 0;; ++count) {
    if (count > max_extensions) throw corrupt("too many extension headers before one entry");
    if (!read_header(block)) {
      if (extensions.any) throw corrupt("the archive ends after an extension header");
      return false;
    }
    if (!take_extension(block, extensions)) break;
  }
  entry = {};
  fill(entry, block, extensions);
  return true;
}

std::string_view Reader::data(std::size_t limit_bytes) {
  if (stored_left_ == 0) return {};
  const std::string_view bytes =
      bytes_.take(static_cast<std::size_t>(std::min<std::uint64_t>(stored_left_, limit_bytes)));
  if (bytes.empty()) throw corrupt("the archive ends in the middle of a file");
  stored_left_ -= bytes.size();
  return bytes;
}

bool Reader::read_header(Block& block) {
  if (!bytes_.read(block.data(), block.size())) return false;
  if (is_zero(block)) {
    if (bytes_.read(block.data(), block.size()) && !is_zero(block)) throw corrupt("a zero block inside the archive");
    return false;
  }
  if (!checksum_holds(block)) throw corrupt("a header has a wrong checksum, or this is not a tar archive");
  return true;
}

bool Reader::take_extension(const Block& block, Extensions& extensions) {
  const char flag = raw(block, type_field)[0];
  switch (flag) {
    case 'x':
      parse_pax(read_extension(block), extensions.pax, limits_.max_pax_records);
      break;
    case 'g':
      read_extension(block);
      return true;
    case 'L':
      extensions.long_name = read_extension(block);
      break;
    case 'K':
      extensions.long_link = read_extension(block);
      break;
    case 'V':  // GNU volume label
      stored_left_ = stored_size(block);
      padding_ = -stored_left_ % block_bytes;
      skip_rest();
      return true;
    default:
      return false;
  }
  extensions.any = true;
  return true;
}

std::string Reader::read_extension(const Block& block) {
  const std::uint64_t size = stored_size(block);
  if (size > limits_.max_header_bytes) throw corrupt("an extended header of ", size, " bytes is too long");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (size > 0 && !bytes_.read(bytes.data(), bytes.size())) throw corrupt("the archive ends in an extended header");
  padding_ = -size % block_bytes;
  skip_rest();
  return bytes;
}

void Reader::fill(Entry& entry, const Block& block, Extensions& extensions) {
  PaxRecords& pax = extensions.pax;
  entry.type = entry_type(raw(block, type_field)[0]);
  fill_names(entry, block, extensions);
  fill_ids(entry, block, pax);
  entry.mtime = pax.mtime ? *pax.mtime : clamp({number(block, mtime_field, "mtime"), 0});
  entry.xattrs = std::move(pax.xattrs);
  if (entry.type == EntryType::character_device || entry.type == EntryType::block_device) {
    entry.device_major = device_number(block, major_field);
    entry.device_minor = device_number(block, minor_field);
  }
  if (entry.type == EntryType::file) fill_content(entry, block, pax);
  // Old archives mark a directory by the slash alone. Source: POSIX pax, "name".
  if (entry.type == EntryType::file && entry.path.ends_with('/')) {
    if (entry.size != 0) throw corrupt("the file ", base::quoted(entry.path), " is named like a directory");
    entry.type = EntryType::directory;
  }
}

void Reader::fill_names(Entry& entry, const Block& block, Extensions& extensions) {
  // The long forms of GNU end with a NUL that belongs to the data.
  const auto cut = [](const std::string& name) { return name.substr(0, name.find('\0')); };
  PaxRecords& pax = extensions.pax;
  if (pax.sparse_name)
    entry.path = std::move(*pax.sparse_name);
  else if (pax.path)
    entry.path = std::move(*pax.path);
  else
    entry.path = extensions.long_name.empty() ? header_name(block) : cut(extensions.long_name);
  if (entry.type != EntryType::symlink && entry.type != EntryType::hard_link) return;
  if (pax.link)
    entry.link = std::move(*pax.link);
  else
    entry.link = extensions.long_link.empty() ? std::string{text(block, link_field)} : cut(extensions.long_link);
}

void Reader::fill_ids(Entry& entry, const Block& block, const PaxRecords& pax) {
  entry.uid = checked_id(pax.uid ? *pax.uid : number(block, uid_field, "uid"), "user id");
  entry.gid = checked_id(pax.gid ? *pax.gid : number(block, gid_field, "gid"), "group id");
  entry.mode = static_cast<mode_t>(number(block, mode_field, "mode") & 07777);
}

void Reader::fill_content(Entry& entry, const Block& block, PaxRecords& pax) {
  stored_left_ = pax.size ? *pax.size : stored_size(block);
  padding_ = -stored_left_ % block_bytes;
  entry.size = stored_left_;
  if (raw(block, type_field)[0] == 'S' && raw(block, magic_field) == gnu_magic) {
    entry.sparse = true;
    read_gnu_sparse_map(entry, block);
  } else if (pax.sparse) {
    if (!pax.sparse_real_size) throw corrupt("a sparse file without its size");
    entry.sparse = true;
    entry.size = *pax.sparse_real_size;
    entry.spans = std::move(pax.sparse_spans);
    if (pax.sparse_map_in_data) read_pax_sparse_map(entry);
  }
  if (entry.sparse && check_spans(entry.spans, entry.size) != stored_left_)
    throw corrupt("the map of a sparse file is wrong");
}

void Reader::read_gnu_sparse_map(Entry& entry, const Block& block) {
  const std::int64_t real_size = number(block, gnu_real_size_field, "real size");
  if (real_size < 0) throw corrupt("the size in a header is negative");
  entry.size = static_cast<std::uint64_t>(real_size);
  add_gnu_spans(entry.spans, raw(block, gnu_sparse_field));
  bool more = raw(block, gnu_more_sparse_field)[0] != 0;
  while (more) {
    Block extension;
    if (!bytes_.read(extension.data(), extension.size())) throw corrupt("the archive ends in a sparse map");
    const std::size_t before = entry.spans.size();
    add_gnu_spans(entry.spans, std::string_view{extension.data(), 504});
    more = extension[504] != 0;
    if (more && entry.spans.size() == before) throw corrupt("the map of a sparse file is wrong");
  }
}

/// Format 1.0: the count of spans, then offset and size of each, one decimal number a line, padded to whole blocks.
void Reader::read_pax_sparse_map(Entry& entry) {
  std::string map;
  std::size_t done = 0;
  const auto next_number = [&] {
    for (;;) {
      const std::size_t end = map.find('\n', done);
      if (end != std::string::npos) {
        const std::optional<std::uint64_t> value = base::parse_unsigned(std::string_view{map}.substr(done, end - done));
        if (!value || *value > static_cast<std::uint64_t>(INT64_MAX))
          throw corrupt("the map of a sparse file is wrong");
        done = end + 1;
        return *value;
      }
      Block block;
      if (stored_left_ < block_bytes || map.size() > 40 * max_sparse_spans || map.size() - done > 40 ||
          !bytes_.read(block.data(), block.size()))
        throw corrupt("the map of a sparse file is wrong");
      stored_left_ -= block_bytes;
      map.append(block.data(), block.size());
    }
  };
  const std::uint64_t count = next_number();
  if (count > max_sparse_spans) throw corrupt("the map of a sparse file is too long");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = next_number();
    entry.spans.push_back({offset, next_number()});
  }
}

void Reader::skip_rest() {
  std::uint64_t left = stored_left_ + padding_;
  while (left > 0) {
    const std::string_view bytes =
        bytes_.take(static_cast<std::size_t>(std::min<std::uint64_t>(left, UnpackRing::buffer_bytes)));
    if (bytes.empty()) throw corrupt("the archive ends in the middle of a file");
    left -= bytes.size();
  }
  stored_left_ = padding_ = 0;
}

}  // namespace storage::tar
