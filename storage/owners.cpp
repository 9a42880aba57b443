#include "storage/owners.hpp"

#include <algorithm>
#include <charconv>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace storage {
namespace {

constexpr std::string_view first_line = "engine-owners 1";
constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t max_line_bytes = 256 * 1024;  ///< Two escaped paths, capabilities and the numbers.
constexpr std::string_view type_letters = "fdlhpwo";

void append_escaped(std::string& out, std::string_view path) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char byte : path) {
    const auto value = static_cast<unsigned char>(byte);
    if (value > 0x20 && value != 0x7f && value != '%') {
      out.push_back(byte);
    } else {
      out.push_back('%');
      out.push_back(digits[value >> 4]);
      out.push_back(digits[value & 15]);
    }
  }
}

template <class Number>
std::optional<Number> parse(std::string_view text, int radix) {
  Number value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Number>
Number require(std::string_view text, int radix = 10) {
  const std::optional<Number> value = parse<Number>(text, radix);
  if (!value) throw base::make_error(base::ErrorKind::corrupt, base::quoted(text), " is not a number");
  return *value;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    if (digits.size() != 2) throw base::make_error(base::ErrorKind::corrupt, "a path is cut");
    out.push_back(static_cast<char>(require<unsigned char>(digits, 16)));
    i += 2;
  }
  return out;
}

std::string_view or_dash(std::string_view text) {
  return text.empty() ? "-" : text;
}
std::string without_dash(std::string_view text) {
  return text == "-" ? std::string{} : std::string{text};
}

OwnerRecord parse_record(std::string_view line) {
  const std::vector<std::string_view> fields = base::split(line, ' ');
  if (fields.size() < 9 || fields.size() > 10 || fields[0].size() != 1 ||
      type_letters.find(fields[0][0]) == std::string_view::npos)
    throw base::make_error(base::ErrorKind::corrupt, "the record is malformed");
  OwnerRecord record;
  record.type = static_cast<OwnerRecord::Type>(fields[0][0]);
  record.mode = require<mode_t>(fields[1], 8);
  record.uid = require<std::uint32_t>(fields[2]);
  record.gid = require<std::uint32_t>(fields[3]);
  record.size_bytes = require<std::uint64_t>(fields[4]);
  const std::size_t dot = std::min(fields[5].find('.'), fields[5].size());
  record.mtime_seconds = require<std::int64_t>(fields[5].substr(0, dot));
  record.mtime_nanoseconds = dot == fields[5].size() ? 0 : require<long>(fields[5].substr(dot + 1));
  record.sha256_hex = without_dash(fields[6]);
  record.capabilities_hex = without_dash(fields[7]);
  record.path = unescape(fields[8]);
  if (fields.size() == 10) record.link = unescape(fields[9]);
  return record;
}

}  // namespace

OwnersWriter::OwnersWriter(int fd) : fd_(fd), buffer_(base::concat(first_line, "\n")) {}

OwnersWriter OwnersWriter::reopen(int fd) {
  constexpr off_t longest_last_line = 32;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - longest_last_line);
  if (size < 0 || ::lseek(fd, start, SEEK_SET) < 0) throw base::os_error("looking for the end of the owner manifest");
  const std::string tail = base::read_to_end(fd, longest_last_line);
  const std::size_t line = tail.rfind("\nend ");
  if (line == std::string::npos || tail.back() != '\n')
    throw base::make_error(base::ErrorKind::corrupt, "the owner manifest is not whole");
  const auto count = require<std::uint64_t>(std::string_view{tail}.substr(line + 5, tail.size() - line - 6));
  const off_t end = start + static_cast<off_t>(line) + 1;
  if (::ftruncate(fd, end) != 0 || ::lseek(fd, end, SEEK_SET) < 0)
    throw base::os_error("going on with the owner manifest");
  return OwnersWriter{fd, count};
}

void OwnersWriter::add(const OwnerRecord& record) {
  char mode[16];
  const auto mode_end = std::to_chars(mode, mode + sizeof mode, static_cast<unsigned>(record.mode), 8).ptr;
  std::string nanoseconds = base::concat(record.mtime_nanoseconds);
  nanoseconds.insert(0, 9 - std::min<std::size_t>(9, nanoseconds.size()), '0');
  buffer_ += base::concat(static_cast<char>(record.type), ' ', std::string_view{mode, mode_end}, ' ', record.uid, ' ',
                          record.gid, ' ', record.size_bytes, ' ', record.mtime_seconds, '.', nanoseconds, ' ',
                          or_dash(record.sha256_hex), ' ', or_dash(record.capabilities_hex), ' ');
  append_escaped(buffer_, record.path);
  if (!record.link.empty()) {
    buffer_.push_back(' ');
    append_escaped(buffer_, record.link);
  }
  buffer_.push_back('\n');
  ++count_;
  flush_when(chunk_bytes);
}

void OwnersWriter::finish() {
  buffer_ += base::concat("end ", count_, "\n");
  flush_when(0);
}

void OwnersWriter::flush_when(std::size_t filled) {
  if (buffer_.size() < filled) return;
  base::with_context([&] { base::write_all(fd_, buffer_); }, "writing the owner manifest");
  buffer_.clear();
}

OwnersReader::OwnersReader(int fd) : fd_(fd) {
  const std::string_view line = read_line();
  if (line == first_line) return;
  if (line.starts_with("engine-owners "))
    throw base::make_error(base::ErrorKind::unsupported, "the owner manifest was written by a newer version");
  throw base::make_error(base::ErrorKind::corrupt, "this is not an owner manifest");
}

std::optional<OwnerRecord> OwnersReader::next() {
  return base::with_context(
      [&]() -> std::optional<OwnerRecord> {
        const std::string_view line = read_line();
        if (line.starts_with("end ")) {
          if (require<std::uint64_t>(line.substr(4)) != count_)
            throw base::make_error(base::ErrorKind::corrupt, "the count of records is wrong");
          return std::nullopt;
        }
        ++count_;
        return parse_record(line);
      },
      "reading record ", count_ + 1, " of the owner manifest");
}

/// The view is valid until the next call.
std::string_view OwnersReader::read_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', done_);
    if (end != std::string::npos) {
      const std::string_view line = std::string_view{buffer_}.substr(done_, end - done_);
      done_ = end + 1;
      return line;
    }
    buffer_.erase(0, done_);
    done_ = 0;
    if (buffer_.size() > max_line_bytes) throw base::make_error(base::ErrorKind::corrupt, "the line is too long");
    const std::size_t before = buffer_.size();
    buffer_.resize(before + chunk_bytes);
    const std::size_t count = base::read_some(fd_, buffer_.data() + before, chunk_bytes);
    buffer_.resize(before + count);
    if (count == 0) throw base::make_error(base::ErrorKind::corrupt, "the owner manifest is not whole");
  }
}

}  // namespace storage
