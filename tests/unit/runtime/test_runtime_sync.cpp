#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/sync.hpp"

TEST_CASE("an error arrives at the other end with kind, text, hint and errno") {
  const base::Error sent =
      base::Error{base::ErrorKind::permission, "mounting \"a\nb\": no", "ask root"}.with_code(EPERM);
  const base::Error got = runtime::decode_error(runtime::encode_error(sent));
  CHECK(got.kind() == base::ErrorKind::permission);
  CHECK(got.message() == sent.message());
  CHECK(got.hint() == sent.hint());
  CHECK(got.code() == EPERM);
}

TEST_CASE("an unreadable error is an internal error, not a crash") {
  for (const char* text : {"", "x", "1", "1\n2", "1\n2\nx", "1\n2\n-5\n"}) {
    CAPTURE(text);
    CHECK(runtime::decode_error(text).kind() == base::ErrorKind::internal);
  }
  CHECK(runtime::decode_error("0\n0\n99999\nshort").message() == "short");
}

TEST_CASE("messages keep their order, payload and descriptors") {
  const auto [ours, theirs] = base::Channel::make_pair();
  runtime::send_sync(theirs, runtime::Sync::successor, "42", {STDERR_FILENO});
  runtime::send_sync(theirs, runtime::Sync::created);
  const runtime::SyncMessage first = runtime::expect_sync(ours, runtime::Sync::successor);
  CHECK(first.payload == "42");
  CHECK(first.fds.size() == 1);
  CHECK(runtime::receive_sync(ours).type == runtime::Sync::created);
}

TEST_CASE("a message out of turn is an error that names both") {
  const auto [ours, theirs] = base::Channel::make_pair();
  runtime::send_sync(theirs, runtime::Sync::created);
  try {
    runtime::expect_sync(ours, runtime::Sync::ids_mapped);
    FAIL("was accepted");
  } catch (const base::Error& error) {
    CHECK(error.message() == "expected ids_mapped, got created");
  }
}

TEST_CASE("failed throws what the other end threw, and its silent end is an error") {
  auto [ours, theirs] = base::Channel::make_pair();
  runtime::send_sync(theirs, runtime::Sync::failed,
                     runtime::encode_error(base::Error{base::ErrorKind::no_space, "full", "clean up"}));
  try {
    runtime::receive_sync(ours);
    FAIL("was accepted");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::no_space);
    CHECK(error.hint() == "clean up");
  }
  theirs.close();
  CHECK_THROWS_AS(runtime::receive_sync(ours), base::Error);
}
