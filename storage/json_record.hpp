#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/json_writer.hpp"

namespace storage {

inline constexpr std::size_t max_record_bytes = 8 * 1024 * 1024;

/// Starts a record: an open object whose first member is "version".
base::JsonWriter begin_record();
/// Parses a record and checks its version. @throws Error corrupt; unsupported, when a newer engine wrote it.
base::JsonAt parse_record(std::string_view bytes, std::string what);

}  // namespace storage
