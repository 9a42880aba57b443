#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/unpack_tar_fields.hpp"

namespace storage::tar {
namespace {

base::Error malformed(std::string_view key) {
  return base::make_error(base::ErrorKind::corrupt, "the extended header ", base::quoted(key), " is malformed");
}

std::uint64_t parse_size(std::string_view key, std::string_view value) {
  const std::optional<std::uint64_t> size = base::parse_unsigned(value);
  if (!size || *size > static_cast<std::uint64_t>(INT64_MAX)) throw malformed(key);
  return *size;
}

std::int64_t parse_id(std::string_view key, std::string_view value) {
  const std::optional<std::int64_t> id = base::parse_signed(value);
  if (!id) throw malformed(key);
  return *id;
}

std::string parse_path(std::string_view key, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) throw malformed(key);
  return std::string{value};
}

/// "[-]SECONDS[.FRACTION]"; a fraction finer than nanoseconds is cut.
Timestamp parse_time(std::string_view key, std::string_view value) {
  const std::size_t dot = value.find('.');
  const std::optional<std::int64_t> seconds = base::parse_signed(value.substr(0, dot));
  if (!seconds) throw malformed(key);
  Timestamp time{*seconds, 0};
  if (dot == std::string_view::npos) return clamp(time);
  std::string fraction{value.substr(dot + 1)};
  if (!std::all_of(fraction.begin(), fraction.end(), [](char c) { return c >= '0' && c <= '9'; })) throw malformed(key);
  fraction.resize(9, '0');
  time.nanoseconds = static_cast<long>(*base::parse_unsigned(fraction));
  if (value.starts_with('-') && time.nanoseconds != 0) {
    if (time.seconds > INT64_MIN) --time.seconds;
    time.nanoseconds = 1'000'000'000 - time.nanoseconds;
  }
  return clamp(time);
}

void add_span(PaxRecords& records, std::string_view key, std::uint64_t offset) {
  if (records.sparse_spans.size() == max_sparse_spans) throw malformed(key);
  records.sparse_spans.push_back({offset, 0});
}

/// "offset,size,offset,size…" of format 0.1.
void parse_sparse_map(PaxRecords& records, std::string_view key, std::string_view value) {
  records.sparse_spans.clear();
  if (value.empty()) return;
  bool is_offset = true;
  for (const std::string_view field : base::split(value, ',')) {
    const std::uint64_t number = parse_size(key, field);
    if (is_offset)
      add_span(records, key, number);
    else
      records.sparse_spans.back().size = number;
    is_offset = !is_offset;
  }
  if (!is_offset) throw malformed(key);
}

void take_sparse_record(PaxRecords& records, std::string_view key, std::string_view value) {
  records.sparse = true;
  const std::string_view name = key.substr(std::string_view{"GNU.sparse."}.size());
  if (name == "major") {
    records.sparse_map_in_data = value == "1";
    if (value != "1" && value != "0") throw malformed(key);
  } else if (name == "name") {
    records.sparse_name = parse_path(key, value);
  } else if (name == "size" || name == "realsize") {
    records.sparse_real_size = parse_size(key, value);
  } else if (name == "map") {
    parse_sparse_map(records, key, value);
  } else if (name == "offset") {
    add_span(records, key, parse_size(key, value));
  } else if (name == "numbytes") {
    if (records.sparse_spans.empty()) throw malformed(key);
    records.sparse_spans.back().size = parse_size(key, value);
  }
}

void take_record(PaxRecords& records, std::string_view key, std::string_view value) {
  constexpr std::string_view xattr_prefix = "SCHILY.xattr.";
  if (key == "path") {
    records.path = parse_path(key, value);
  } else if (key == "linkpath") {
    records.link = parse_path(key, value);
  } else if (key == "size") {
    records.size = parse_size(key, value);
  } else if (key == "uid") {
    records.uid = parse_id(key, value);
  } else if (key == "gid") {
    records.gid = parse_id(key, value);
  } else if (key == "mtime") {
    records.mtime = parse_time(key, value);
  } else if (key.starts_with(xattr_prefix)) {
    records.xattrs.emplace_back(parse_path(key, key.substr(xattr_prefix.size())), value);
  } else if (key.starts_with("GNU.sparse.")) {
    take_sparse_record(records, key, value);
  }
}

}  // namespace

void parse_pax(std::string_view bytes, PaxRecords& records, std::uint64_t max_records) {
  for (std::uint64_t count = 0; !bytes.empty(); ++count) {
    if (count == max_records)
      throw base::make_error(base::ErrorKind::corrupt, "an extended header has more than ", max_records, " records");
    const std::size_t blank = bytes.substr(0, 20).find(' ');
    if (blank == std::string_view::npos) throw malformed("length");
    const std::optional<std::uint64_t> length = base::parse_unsigned(bytes.substr(0, blank));
    if (!length || *length < blank + 3 || *length > bytes.size() || bytes[*length - 1] != '\n')
      throw malformed("length");
    const std::string_view record = bytes.substr(blank + 1, *length - blank - 2);
    const auto pair = base::split_once(record, '=');
    if (!pair || pair->first.empty()) throw malformed(record.substr(0, 40));
    take_record(records, pair->first, pair->second);
    bytes.remove_prefix(*length);
  }
}

}  // namespace storage::tar
