#include <doctest/doctest.h>

#include "cmd/progress_bar.hpp"

using std::chrono::milliseconds;

TEST_CASE("a bar shows item, part, amounts, rate and the time that is left") {
  CHECK(cmd::bar_line("layer 4bcf0a9d3e21", 5'000'000, 10'000'000, milliseconds{1000}, 80) ==
        "layer 4bcf0a9d3e21 [==================>                 ]  5MB / 10MB  5MB/s  1s");
  CHECK(cmd::bar_line("layer 4bcf0a9d3e21", 10'000'000, 10'000'000, milliseconds{2000}, 80).find("=]") !=
        std::string::npos);
}

TEST_CASE("what is not known is left out") {
  CHECK(cmd::bar_line("config", 1000, 0, milliseconds{0}, 80) == "config  1kB");
  CHECK(cmd::bar_line("config", 0, 1000, milliseconds{10}, 20) == "config  0B / 1kB");
}

TEST_CASE("a bar never leaves its line") {
  for (std::size_t width = 1; width < 120; ++width) {
    CAPTURE(width);
    CHECK(cmd::bar_line("layer 4bcf0a9d3e21", 123'456'789, 987'654'321, milliseconds{3000}, width).size() <= width);
    CHECK(cmd::bar_line("layer 4bcf0a9d3e21", 20, 10, milliseconds{3000}, width).size() <= width);
  }
}
