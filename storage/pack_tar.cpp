#include "storage/pack_tar.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace storage::tar {

namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t max_name_bytes = 100, max_prefix_bytes = 155;
constexpr std::uint64_t max_octal_7 = 07777777;       // uid, gid and device numbers: 7 digits and a NUL
constexpr std::uint64_t max_octal_11 = 077777777777;  // sizes and times: 11 digits and a NUL
constexpr std::array<char, block_bytes> zeros{};

/// One header of 512 bytes.
class Header {
 public:
  void text(std::size_t offset, std::size_t size, std::string_view value) {
    value = value.substr(0, size);
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  /// Zeros in front, a NUL behind.
  void octal(std::size_t offset, std::size_t size, std::uint64_t value) {
    for (std::size_t at = offset + size - 1; at-- > offset; value /= 8) bytes_[at] = static_cast<char>('0' + value % 8);
  }

  std::string_view finish() {
    text(257, 8, std::string_view{"ustar\00000", 8});
    text(148, 8, "        ");
    unsigned sum = 0;
    for (const char byte : bytes_) sum += static_cast<unsigned char>(byte);
    octal(148, 7, sum);  // six digits, a NUL, and the blank that is there
    return {bytes_.data(), bytes_.size()};
  }

 private:
  std::array<char, block_bytes> bytes_{};
};

/// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest;
  while (length != rest + base::concat(length).size()) length = rest + base::concat(length).size();
  return base::concat(length, ' ', key, '=', value, '\n');
}

/// Where a path can be cut into a prefix and a name; nothing when it fits nowhere.
std::optional<std::size_t> find_cut(std::string_view path) {
  const std::size_t slash = path.rfind('/', std::min(max_prefix_bytes, path.size() - 2));
  if (slash == std::string_view::npos || slash == 0 || path.size() - slash - 1 > max_name_bytes) return std::nullopt;
  return slash;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0 && c < 0x7f; });
}

std::string time_text(const PackedTime& time) {
  // Before 1970 the seconds are rounded down, but the text is one negative number.
  const bool is_negative = time.seconds < 0;
  std::int64_t seconds = time.seconds;
  std::uint32_t fraction = time.nanoseconds;
  if (is_negative && fraction > 0) {
    ++seconds;
    fraction = 1'000'000'000 - fraction;
  }
  std::string text = base::concat(is_negative && seconds == 0 ? "-" : "", seconds);
  if (fraction == 0) return text;
  const std::string digits = base::concat(fraction + 1'000'000'000U).substr(1);
  text += base::concat('.', digits);
  return text.substr(0, text.find_last_not_of('0') + 1);
}

/// The map that begins the content of a sparse file: number of spans, then offset and size of each, one a line.
std::string sparse_map(const std::vector<PackedSpan>& spans) {
  std::string map = base::concat(spans.size(), '\n');
  for (const PackedSpan& span : spans) map += base::concat(span.offset, '\n', span.size, '\n');
  map.resize((map.size() + block_bytes - 1) / block_bytes * block_bytes, '\0');
  return map;
}

std::string pax_records(const PackedEntry& entry, std::uint64_t stored_bytes) {
  std::string records;
  const bool fits = entry.path.size() <= max_name_bytes || find_cut(entry.path);
  if (entry.sparse) {
    records += pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
               pax_record("GNU.sparse.name", entry.path) + pax_record("GNU.sparse.realsize", base::concat(entry.size));
  } else if (!fits || !is_ascii(entry.path)) {
    records += pax_record("path", entry.path);
  }
  if (entry.link.size() > max_name_bytes || !is_ascii(entry.link)) records += pax_record("linkpath", entry.link);
  if (entry.uid > max_octal_7) records += pax_record("uid", base::concat(entry.uid));
  if (entry.gid > max_octal_7) records += pax_record("gid", base::concat(entry.gid));
  if (stored_bytes > max_octal_11) records += pax_record("size", base::concat(stored_bytes));
  if (entry.mtime.nanoseconds != 0 || entry.mtime.seconds < 0 ||
      static_cast<std::uint64_t>(entry.mtime.seconds) > max_octal_11)
    records += pax_record("mtime", time_text(entry.mtime));
  for (const auto& [name, value] : entry.xattrs) {
    if (name.find('=') != std::string::npos)
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(entry.path),
                             " has an extended attribute that no archive can hold: ", base::quoted(name));
    records += pax_record(base::concat("SCHILY.xattr.", name), value);
  }
  return records;
}

Header header_of(const PackedEntry& entry, std::uint64_t stored_bytes) {
  Header header;
  std::string_view name = entry.path;
  if (name.size() > max_name_bytes && !entry.sparse) {
    if (const auto cut = find_cut(name)) {
      header.text(345, max_prefix_bytes, name.substr(0, *cut));
      name.remove_prefix(*cut + 1);
    }
  }
  header.text(0, max_name_bytes, name);
  header.octal(100, 8, entry.mode & 07777);
  header.octal(108, 8, std::min(entry.uid, max_octal_7));
  header.octal(116, 8, std::min(entry.gid, max_octal_7));
  header.octal(124, 12, std::min(stored_bytes, max_octal_11));
  const std::uint64_t seconds = entry.mtime.seconds < 0 ? 0 : static_cast<std::uint64_t>(entry.mtime.seconds);
  header.octal(136, 12, std::min(seconds, max_octal_11));
  header.text(156, 1, {&entry.type, 1});
  header.text(157, max_name_bytes, entry.link);
  header.octal(329, 8, std::min<std::uint64_t>(entry.device_major, max_octal_7));
  header.octal(337, 8, std::min<std::uint64_t>(entry.device_minor, max_octal_7));
  return header;
}

Header extension_header(std::string_view path, std::size_t size) {
  Header header;
  header.text(0, max_name_bytes, base::concat("PaxHeaders.0/", path.substr(path.rfind('/', path.size() - 2) + 1)));
  header.octal(100, 8, 0644);
  header.octal(108, 8, 0);
  header.octal(116, 8, 0);
  header.octal(124, 12, size);
  header.octal(136, 12, 0);
  header.text(156, 1, "x");
  return header;
}

}  // namespace

void Writer::add(const PackedEntry& entry) {
  end_entry();
  if (entry.path.empty()) throw base::make_error(base::ErrorKind::internal, "an entry of an archive has no path");
  const std::string map = entry.sparse ? sparse_map(entry.spans) : std::string{};
  std::uint64_t content = entry.type == '0' ? entry.size : 0;
  if (entry.sparse) {
    content = 0;
    for (const PackedSpan& span : entry.spans) content += span.size;
  }
  if (const std::string records = pax_records(entry, content + map.size()); !records.empty()) {
    sink_.write(extension_header(entry.path, records.size()).finish());
    sink_.write(records);
    pad(records.size());
  }
  sink_.write(header_of(entry, content + map.size()).finish());
  sink_.write(map);
  missing_bytes_ = content_bytes_ = content;
}

void Writer::write(std::string_view bytes) {
  if (bytes.size() > missing_bytes_)
    throw base::make_error(base::ErrorKind::internal, "an entry of an archive is longer than its header says");
  sink_.write(bytes);
  missing_bytes_ -= bytes.size();
}

void Writer::fill_up() {
  while (missing_bytes_ > 0)
    write({zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(missing_bytes_, zeros.size()))});
}

void Writer::finish() {
  end_entry();
  sink_.write({zeros.data(), zeros.size()});
  sink_.write({zeros.data(), zeros.size()});
}

void Writer::end_entry() {
  if (missing_bytes_ > 0)
    throw base::make_error(base::ErrorKind::internal, "an entry of an archive is shorter than its header says");
  pad(content_bytes_);
  content_bytes_ = 0;
}

void Writer::pad(std::uint64_t written) {
  if (const std::size_t rest = written % block_bytes; rest != 0) sink_.write({zeros.data(), block_bytes - rest});
}

}  // namespace storage::tar
