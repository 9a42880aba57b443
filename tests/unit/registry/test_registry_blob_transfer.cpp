#include <doctest/doctest.h>

#include "registry/blob_transfer.hpp"

TEST_CASE("a Content-Range is parsed strictly") {
  const auto range = registry::parse_content_range("bytes 5-9/10");
  REQUIRE(range);
  CHECK(range->first == 5);
  CHECK(range->last == 9);
  CHECK(range->total == 10);
  REQUIRE(registry::parse_content_range("bytes 5-9/*"));
  CHECK_FALSE(registry::parse_content_range("bytes 5-9/*")->total);
  for (const char* bad : {"", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes */10", "bytes -5/10", "items 5-9/10",
                          "bytes 5-9/x", "bytes 5-99999999999999999999/10", "bytes 5-9/10/11"}) {
    CAPTURE(bad);
    CHECK_FALSE(registry::parse_content_range(bad));
  }
}
