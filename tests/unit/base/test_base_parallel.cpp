#include <doctest/doctest.h>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/parallel.hpp"

TEST_CASE("each item belongs to one part") {
  for (const std::size_t count : {0U, 1U, 127U, 128U, 255U, 256U, 1000U, 1001U}) {
    std::vector<int> seen(count);
    base::for_parts(count, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) ++seen[i];
    });
    CHECK(std::accumulate(seen.begin(), seen.end(), std::size_t{0}) == count);
    for (const int times : seen) CHECK(times == 1);
  }
}

TEST_CASE("few items need no thread") {
  std::set<std::thread::id> threads;
  base::for_parts(100, [&](std::size_t, std::size_t) { threads.insert(std::this_thread::get_id()); });
  CHECK(threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("the first part's failure is thrown when all have ended") {
  std::mutex mutex;
  std::size_t parts = 0;
  const auto fail = [&](std::size_t first, std::size_t) {
    const std::lock_guard guard{mutex};
    ++parts;
    throw std::runtime_error(std::to_string(first));
  };
  try {
    base::for_parts(1000, fail);
    FAIL("nothing was thrown");
  } catch (const std::runtime_error& error) {
    CHECK(std::string{error.what()} == "0");
  }
  std::size_t successful_parts = 0;
  base::for_parts(1000, [&](std::size_t, std::size_t) {
    const std::lock_guard guard{mutex};
    ++successful_parts;
  });
  CHECK(parts == successful_parts);
}
