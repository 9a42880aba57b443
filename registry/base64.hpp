#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace registry {

/// Source: RFC 4648 4, with padding.
std::string base64_encode(std::string_view bytes);
/// Nothing when malformed. Padding may be missing; line ends at the end are skipped.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace registry
