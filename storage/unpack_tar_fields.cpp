#include "storage/unpack_tar_fields.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"

namespace storage::tar {
namespace {

base::Error corrupt(std::string_view what) {
  return base::make_error(base::ErrorKind::corrupt, what);
}

/// Two's complement, most significant byte first, the top bit being only the mark. Source: GNU tar "from_header".
std::optional<std::int64_t> parse_base256(std::string_view bytes) {
  const std::int64_t first = static_cast<unsigned char>(bytes[0]) & 0x7fU;
  std::int64_t value = (first & 0x40) != 0 ? first - 0x80 : first;
  for (const char byte : bytes.substr(1)) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() >> 8;
    if (value > most || value < -most - 1) return std::nullopt;
    value = value * 256 + static_cast<unsigned char>(byte);
  }
  return value;
}

}  // namespace

std::string_view raw(const Block& block, Field field) {
  return {block.data() + field.offset, field.size};
}

std::string_view text(const Block& block, Field field) {
  const std::string_view bytes = raw(block, field);
  return bytes.substr(0, bytes.find('\0'));
}

std::optional<std::int64_t> parse_number(std::string_view bytes) {
  if (!bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0) return parse_base256(bytes);
  constexpr std::string_view padding{" \0", 2};
  const std::size_t first = bytes.find_first_not_of(padding);
  if (first == std::string_view::npos) return 0;
  const std::string_view digits = bytes.substr(first, bytes.find_first_of(padding, first) - first);
  if (bytes.find_first_not_of(padding, first + digits.size()) != std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '7' || value > std::numeric_limits<std::int64_t>::max() / 8) return std::nullopt;
    value = value * 8 + (digit - '0');
  }
  return value;
}

std::int64_t number(const Block& block, Field field, std::string_view field_name) {
  const std::optional<std::int64_t> value = parse_number(raw(block, field));
  if (!value) throw corrupt(base::concat("the header field ", field_name, " is not a number"));
  return *value;
}

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](char byte) { return byte == 0; });
}

bool checksum_holds(const Block& block) {
  const std::optional<std::int64_t> stated = parse_number(raw(block, checksum_field));
  std::int64_t sum = 0, signed_sum = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) {
    const bool own = i >= checksum_field.offset && i < checksum_field.offset + checksum_field.size;
    const char byte = own ? ' ' : block[i];
    sum += static_cast<unsigned char>(byte);
    signed_sum += static_cast<signed char>(byte);
  }
  return stated == sum || stated == signed_sum;
}

std::uint64_t check_spans(const std::vector<SparseSpan>& spans, std::uint64_t real_size) {
  std::uint64_t end = 0, stored = 0;
  for (const SparseSpan& span : spans) {
    if (span.offset < end || span.offset > real_size || span.size > real_size - span.offset)
      throw corrupt("the map of a sparse file is wrong");
    end = span.offset + span.size;
    stored += span.size;
  }
  return stored;
}

Timestamp clamp(Timestamp time) {
  constexpr std::int64_t earliest = -(1LL << 31), latest = 0x3'7fff'ffffLL;  // ext4's range
  if (time.seconds < earliest) return {earliest, 0};
  if (time.seconds > latest) return {latest, 0};
  return time;
}

}  // namespace storage::tar
