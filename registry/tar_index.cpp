#include "registry/tar_index.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/stat.h>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::uint64_t block_bytes = 512;
constexpr unsigned max_link_hops = 16;

base::Error corrupt(std::string_view problem) {
  return base::Error(base::ErrorKind::corrupt, std::string{problem});
}

/// A header field up to its first NUL.
std::string_view text_field(const std::string& block, std::size_t offset, std::size_t size) {
  const std::string_view field = std::string_view{block}.substr(offset, size);
  return field.substr(0, field.find('\0'));
}

/// Octal digits, or GNU's base-256 where the first bit is set.
std::uint64_t number_field(const std::string& block, std::size_t offset, std::size_t size) {
  const std::string_view field = std::string_view{block}.substr(offset, size);
  std::uint64_t value = 0;
  if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    for (std::size_t index = 0; index < field.size(); ++index) {
      const unsigned char byte = static_cast<unsigned char>(field[index]) & (index == 0 ? 0x7f : 0xff);
      if (value >> 55 != 0) throw corrupt("a tar header holds a number that is too large");
      value = value << 8 | byte;
    }
    return value;
  }
  const std::string_view digits = base::trim(field.substr(0, field.find('\0')));
  for (const char c : digits) {
    if (c < '0' || c > '7') throw corrupt("a tar header holds a bad number");
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// The sum of all bytes, those of the checksum field taken as blanks.
bool has_good_checksum(const std::string& block) {
  std::uint64_t sum = 0;
  for (std::size_t index = 0; index < block.size(); ++index)
    sum += index >= 148 && index < 156 ? std::uint64_t{' '} : static_cast<unsigned char>(block[index]);
  return number_field(block, 148, 8) == sum;
}

/// What an extension header says about the next entry.
struct Extension {
  std::optional<std::string> path;
  std::optional<std::string> link;
  std::optional<std::uint64_t> size_bytes;
};

/// Records "LENGTH KEY=VALUE\n". Source: pax(1) "pax Extended Header".
void read_pax_records(std::string_view text, Extension& extension) {
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    const std::optional<std::uint64_t> length = base::parse_unsigned(text.substr(0, std::min(blank, text.size())));
    if (!length || *length > text.size() || *length < blank + 2 || text[*length - 1] != '\n')
      throw corrupt("a pax header is malformed");
    const std::string_view record = text.substr(blank + 1, *length - blank - 2);
    text.remove_prefix(*length);
    const auto field = base::split_once(record, '=');
    if (!field) throw corrupt("a pax header is malformed");
    if (field->first == "path") extension.path = std::string{field->second};
    if (field->first == "linkpath") extension.link = std::string{field->second};
    if (field->first != "size") continue;
    extension.size_bytes = base::parse_unsigned(field->second);
    if (!extension.size_bytes) throw corrupt("a pax header holds a bad size");
  }
}

std::string entry_name(const std::string& block) {
  const std::string_view name = text_field(block, 0, 100);
  const bool is_ustar = std::memcmp(block.data() + 257, "ustar\0", 6) == 0;
  const std::string_view prefix = is_ustar ? text_field(block, 345, 155) : std::string_view{};
  return prefix.empty() ? std::string{name} : base::concat(prefix, "/", name);
}

/// Name in the archive that a link at `name` stands for.
std::optional<std::string> link_target(const std::string& name, const std::string& link, bool is_symbolic) {
  if (!is_symbolic || link.empty() || link.front() == '/') return normal_tar_name(link);
  const std::size_t slash = name.rfind('/');
  return normal_tar_name(base::concat(slash == std::string::npos ? "" : name.substr(0, slash), "/", link));
}

}  // namespace

std::optional<std::string> normal_tar_name(std::string_view name) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : base::split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
      continue;
    }
    if (parts.empty()) return std::nullopt;
    parts.pop_back();
  }
  std::string out;
  for (const std::string_view part : parts) out += base::concat(out.empty() ? "" : "/", part);
  if (out.empty()) return std::nullopt;
  return out;
}

/// Walks the headers.
class TarReader {
 public:
  explicit TarReader(TarIndex& index) : index_(index) {
    struct stat status {};
    if (::fstat(index.file_->get(), &status) != 0) throw base::os_error("looking at the archive");
    whole_ = ByteRange{index.file_, 0, static_cast<std::uint64_t>(status.st_size)};
  }

  void read_all() {
    while (position_ < whole_.size_bytes) {
      const std::string block = read_piece(whole_, position_, block_bytes);
      if (block.size() < block_bytes) throw corrupt("the archive is cut off");
      if (block.find_first_not_of('\0') == std::string::npos) break;
      if (!has_good_checksum(block))
        throw corrupt(position_ == 0 ? "this is not a tar archive" : "a tar header is damaged");
      position_ += block_bytes;
      read_entry(block);
    }
    if (index_.entries_.empty()) throw corrupt("the archive is empty");
  }

 private:
  void read_entry(const std::string& block) {
    const char type = block[156];
    std::uint64_t size = number_field(block, 124, 12);
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      read_extension(type, size);
      return;
    }
    if (extension_.size_bytes) size = *extension_.size_bytes;
    const bool has_data = type != '1' && type != '2' && type != '5';
    if (!has_data) size = 0;
    if (size > whole_.size_bytes - position_) throw corrupt("the archive is cut off");
    add(block, type, size);
    skip(size);
    extension_ = {};
  }

  void read_extension(char type, std::uint64_t size) {
    if (size > max_tar_extension_bytes) throw corrupt("a tar extension header is too long");
    if (size > whole_.size_bytes - position_) throw corrupt("the archive is cut off");
    const std::string text = read_piece(whole_, position_, static_cast<std::size_t>(size));
    if (type == 'x') read_pax_records(text, extension_);
    if (type == 'L') extension_.path = text.substr(0, text.find('\0'));
    if (type == 'K') extension_.link = text.substr(0, text.find('\0'));
    skip(size);
  }

  void add(const std::string& block, char type, std::uint64_t size) {
    const bool is_file = type == '0' || type == '\0' || type == '7';
    const bool is_link = type == '1' || type == '2';
    if (type == 'S') throw corrupt("the archive holds a sparse file, which no image archive needs");
    if (!is_file && !is_link) return;
    const std::optional<std::string> name = normal_tar_name(extension_.path ? *extension_.path : entry_name(block));
    if (!name) return;  // nothing in an archive can be meant by it
    TarIndex::Entry entry{.offset = position_, .size_bytes = size, .link = {}};
    if (is_link) {
      const std::optional<std::string> target = link_target(
          *name, extension_.link ? *extension_.link : std::string{text_field(block, 157, 100)}, type == '2');
      if (!target) return;  // it points out of the archive
      entry.link = *target;
    }
    if (name->size() > max_tar_name_bytes || entry.link.size() > max_tar_name_bytes)
      throw corrupt("a name in the archive is too long");
    if (index_.entries_.size() == max_tar_entries) throw corrupt("the archive has too many entries");
    index_.entries_[*name] = std::move(entry);
  }

  void skip(std::uint64_t size) {
    const std::uint64_t padded = (size + block_bytes - 1) / block_bytes * block_bytes;
    position_ += std::min(padded, whole_.size_bytes - position_);
  }

  TarIndex& index_;
  ByteRange whole_;
  std::uint64_t position_ = 0;
  Extension extension_;
};

TarIndex TarIndex::read(std::shared_ptr<const base::UniqueFd> file, std::string name) {
  TarIndex index;
  index.file_ = std::move(file);
  index.name_ = std::move(name);
  base::with_context([&] { TarReader{index}.read_all(); }, "reading ", index.description());
  return index;
}

std::optional<ByteRange> TarIndex::find(const std::string& name) const {
  std::optional<std::string> wanted = normal_tar_name(name);
  for (unsigned hops = 0; wanted && hops <= max_link_hops; ++hops) {
    const auto found = entries_.find(*wanted);
    if (found == entries_.end()) return std::nullopt;
    const Entry& entry = found->second;
    if (entry.link.empty()) return ByteRange{file_, entry.offset, entry.size_bytes};
    wanted = entry.link;
  }
  return std::nullopt;
}

std::string TarIndex::description() const {
  return base::concat(base::quoted(name_));
}

}  // namespace registry
