#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/json_scan.hpp"
#include "base/json_writer.hpp"

namespace storage {

inline constexpr std::size_t max_record_bytes = 8 * 1024 * 1024;

/// Starts a record: an open object whose first member is "version".
base::JsonWriter begin_record();
/// Parses a record and checks its version. @throws Error corrupt; unsupported, when a newer engine wrote it.
base::JsonAt parse_record(std::string_view bytes, std::string what);

inline constexpr std::int64_t record_version = 1;

/// Reads a record without making a tree of it: `read_member(scan, key)` reads the value, or answers false, and it is
/// skipped. False: this is no plain record of our version; parse_record can read it or says what is wrong.
template <class ReadMember>
bool scan_record(std::string_view bytes, const ReadMember& read_member) {
  base::JsonScan scan{bytes};
  std::int64_t version = 0;
  while (const auto key = scan.next_key()) {
    if (*key == "version") {
      scan.read(version);
    } else if (!read_member(scan, *key)) {
      scan.skip();
    }
  }
  return scan.complete() && version == record_version;
}

}  // namespace storage
