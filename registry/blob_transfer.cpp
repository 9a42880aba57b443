#include "registry/blob_transfer.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

template <class... Parts>
base::Error contradiction(const HttpResponse& response, const oci::Descriptor& descriptor, const Parts&... parts) {
  return base::make_error(base::ErrorKind::corrupt, response.url().origin(), ": blob ", descriptor.digest, " ",
                          parts...);
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  const auto unit = base::split_once(base::trim(text), ' ');
  if (!unit || unit->first != "bytes") return std::nullopt;
  const auto range_and_total = base::split_once(unit->second, '/');
  const auto ends = range_and_total ? base::split_once(range_and_total->first, '-') : std::nullopt;
  if (!ends) return std::nullopt;
  const auto first = base::parse_unsigned(ends->first);
  const auto last = base::parse_unsigned(ends->second);
  const auto total = base::parse_unsigned(range_and_total->second);
  if (!first || !last || *last < *first) return std::nullopt;
  if (!total && range_and_total->second != "*") return std::nullopt;
  return ContentRange{*first, *last, total};
}

/// Bytes at the start of the body that the sink has already.
std::uint64_t BlobTransfer::check_headers(const HttpResponse& response) const {
  const std::uint64_t size = descriptor_.size_bytes;
  const bool is_partial = response.status() == 206;
  const std::uint64_t expected = is_partial ? size - position_ : size;
  const std::optional<std::uint64_t> announced = response.content_length();
  if (announced && *announced != expected)
    throw contradiction(response, descriptor_, "should have ", expected, " bytes, but ", *announced, " are announced");
  if (!is_partial) return position_;
  if (position_ == 0) throw contradiction(response, descriptor_, "was answered with a part of it");
  const std::optional<ContentRange> range = parse_content_range(response.header("content-range").value_or(""));
  if (!range || range->first != position_ || range->last + 1 != size || range->total.value_or(size) != size)
    throw contradiction(response, descriptor_, "was answered with another range than bytes ", position_, "-", size - 1);
  return 0;
}

void BlobTransfer::hand_over(std::string_view bytes) {
  has_sink_failed_ = true;  // until it returns
  sink_.write(bytes);
  has_sink_failed_ = false;
  position_ += bytes.size();
}

void BlobTransfer::take(HttpResponse& response) {
  std::uint64_t to_skip = check_headers(response);
  for (std::string_view chunk = response.read_chunk(); !chunk.empty(); chunk = response.read_chunk()) {
    const std::uint64_t skipped = std::min<std::uint64_t>(to_skip, chunk.size());
    to_skip -= skipped;
    chunk.remove_prefix(static_cast<std::size_t>(skipped));
    if (chunk.size() > descriptor_.size_bytes - position_)
      throw contradiction(response, descriptor_, "is longer than ", descriptor_.size_bytes, " bytes");
    if (!chunk.empty()) hand_over(chunk);
  }
  if (!is_complete())
    throw base::make_error(base::ErrorKind::network, response.url().origin(), ": blob ", descriptor_.digest,
                           " ended after ", position_, " of ", descriptor_.size_bytes, " bytes")
        .with_code(ECONNRESET);
}

}  // namespace registry
