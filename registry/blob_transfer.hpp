#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/oci/descriptor.hpp"
#include "base/stream.hpp"
#include "registry/http_client.hpp"

namespace registry {

/// Start and total of a Content-Range header. Source: RFC 9110 14.4.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;  ///< Nothing: "*".
};
/// Pure. Nothing when malformed.
std::optional<ContentRange> parse_content_range(std::string_view text);

/// Hands the bytes of a blob to a sink, each once and in order, over as many responses as it takes.
class BlobTransfer {
 public:
  BlobTransfer(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset)
      : descriptor_(descriptor), sink_(sink), position_(offset) {}

  std::uint64_t position() const noexcept { return position_; }
  bool is_complete() const noexcept { return position_ == descriptor_.size_bytes; }
  /// Whether the sink threw: then no other response can help.
  bool has_sink_failed() const noexcept { return has_sink_failed_; }

  /// Takes what a response of status 200 or 206 to a request from position() on brings. A 200 starts from the first
  /// byte, so what the sink has already is skipped.
  /// @throws Error corrupt, when the response contradicts the descriptor or the request; network, when it is cut.
  void take(HttpResponse& response);

 private:
  std::uint64_t check_headers(const HttpResponse& response) const;
  void hand_over(std::string_view bytes);

  const oci::Descriptor& descriptor_;
  base::Sink& sink_;
  std::uint64_t position_;
  bool has_sink_failed_ = false;
};

}  // namespace registry
