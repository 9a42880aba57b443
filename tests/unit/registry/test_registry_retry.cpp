#include <doctest/doctest.h>

#include "registry/retry.hpp"

using registry::wait_before_retry;
using std::chrono::milliseconds;

TEST_CASE("what may pass is tried again after a growing wait") {
  struct Row {
    unsigned number;
    int status;
    const char* retry_after;
    unsigned retries;
    long long wait_ms;  ///< -1: give up
  };
  const Row rows[] = {
      {1, 503, "", 3, 500},
      {2, 503, "", 3, 1000},
      {3, 503, "", 3, 2000},
      {4, 503, "", 3, -1},
      {1, 503, "", 0, -1},
      {1, 0, "", 3, 500},
      {1, 500, "", 3, 500},
      {1, 502, "", 3, 500},
      {1, 504, "", 3, 500},
      {1, 408, "", 3, 500},
      {1, 404, "", 3, -1},
      {1, 401, "", 3, -1},
      {1, 400, "", 3, -1},
      {1, 429, "2", 3, 2000},
      {1, 429, "30", 3, 30'000},
      {1, 429, "31", 3, -1},
      {1, 429, "0", 3, 500},
      {1, 429, " 7 ", 3, 7000},
      {1, 429, "315360000", 3, -1},
      {1, 429, "99999999999999999999999999", 3, -1},
      {1, 429, "-5", 3, 500},
      {1, 429, "Fri, 31 Dec 2038 23:59:59 GMT", 3, -1},
      {1, 429, "Thu, 01 Jan 1970 00:00:07 GMT", 3, 7000},
      {1, 429, "Thu, 01 Jan 1970 00:00:00 GMT", 3, 500},
      {1, 429, "Thu, 01 Jon 1970 00:00:07 GMT", 3, 500},
      {1, 429, "Thu, 1 Jan 1970 00:00:07 GMT", 3, 500},
      {9, 503, "", 20, 30'000},
      {40, 503, "", 99, 30'000},
      {4'000'000'000U, 503, "", 4'294'967'295U, 30'000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.number);
    CAPTURE(row.status);
    CAPTURE(row.retry_after);
    const auto wait = wait_before_retry(
        {.number = row.number, .status = row.status, .retry_after = row.retry_after, .fixed_delay = {}, .now = {}},
        row.retries);
    CHECK((wait ? wait->count() : -1) == row.wait_ms);
  }
}

TEST_CASE("a delay that the user wants does not grow, but the registry may ask for more") {
  const auto wait = [](unsigned number, const char* retry_after) {
    return wait_before_retry(
        {.number = number, .status = 503, .retry_after = retry_after, .fixed_delay = milliseconds{10}, .now = {}}, 5);
  };
  CHECK(wait(1, "") == milliseconds{10});
  CHECK(wait(4, "") == milliseconds{10});
  CHECK(wait(4, "3") == milliseconds{3000});
  CHECK_FALSE(wait(6, ""));
}
