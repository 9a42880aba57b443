#include <cerrno>
#include <doctest/doctest.h>

#include "storage/damage.hpp"

TEST_CASE("wrong content, nothing, and something of another kind are damage") {
  CHECK(storage::is_damage(base::make_error(base::ErrorKind::corrupt, "not JSON")));
  CHECK(storage::is_damage(base::make_error(base::ErrorKind::not_found, "no record")));
  for (const int code : {ENOENT, ENOTDIR, EISDIR, ELOOP}) {
    CAPTURE(code);
    CHECK(storage::is_damage(base::error_from_code(code, "opening")));
  }
}

TEST_CASE("what could not be looked at, and what a newer engine wrote, is no damage") {
  for (const int code : {EIO, EMFILE, ENFILE, ENOMEM, EINTR, EACCES, ENOSPC}) {
    CAPTURE(code);
    CHECK_FALSE(storage::is_damage(base::error_from_code(code, "opening")));
  }
  CHECK_FALSE(storage::is_damage(base::make_error(base::ErrorKind::unsupported, "version 2")));
  CHECK_FALSE(storage::is_damage(base::make_error(base::ErrorKind::corrupt, "flushing").with_code(EIO)));
}
