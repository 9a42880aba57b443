#include <doctest/doctest.h>

#include "engine/unpack_protocol.hpp"

using namespace engine;

TEST_CASE("what pull and its unpacking child send is what the other one reads") {
  const StagingPlace place =
      decode_staging(encode(StagingPlace{"0123abcd", {.max_entries = 7, .max_xattrs = 8}, {"a", "b"}}));
  CHECK(place.limits == storage::UnpackLimits{.max_entries = 7, .max_xattrs = 8});
  CHECK(place.name == "0123abcd");
  CHECK(place.lowers == std::vector<std::string>{"a", "b"});
  const AdoptJob adopt = decode_adopt(
      encode(AdoptJob{"layer-2", storage::OwnerPolicy::single, "user-1", {{true, "layer-1"}, {false, "c"}}}));
  CHECK(adopt.folder == "layer-2");
  CHECK(adopt.owners == storage::OwnerPolicy::single);
  CHECK(adopt.variant == "user-1");
  REQUIRE(adopt.lowers.size() == 2);
  CHECK((adopt.lowers[0].staged && adopt.lowers[0].folder == "layer-1"));
  CHECK((!adopt.lowers[1].staged && adopt.lowers[1].folder == "c"));
  const LayerJob job =
      decode_job(encode(LayerJob{oci::LayerCompression::zstd, base::sha256("x"), storage::OwnerPolicy::single}));
  CHECK(job.compression == oci::LayerCompression::zstd);
  CHECK(job.diff_id == base::sha256("x"));
  CHECK(job.owners == storage::OwnerPolicy::single);
  const storage::UnpackResult result = decode_result(encode(storage::UnpackResult{.unpacked_bytes = UINT64_MAX,
                                                                                  .entries = 2,
                                                                                  .skipped_devices = 3,
                                                                                  .dropped_xattrs = 4,
                                                                                  .implied_directories = 5}));
  CHECK(result.unpacked_bytes == UINT64_MAX);
  CHECK(result.entries == 2);
  CHECK(result.skipped_devices == 3);
  CHECK(result.dropped_xattrs == 4);
  CHECK(result.implied_directories == 5);
  CHECK(kind_of(encode_done()) == UnpackMessage::done);
}

TEST_CASE("an error crosses with its kind, its errno and its hint, in one line each") {
  const std::string message =
      encode(base::Error{base::ErrorKind::no_space, "writing \"a\"\nb", "make room"}.with_code(28));
  try {
    decode_result(message);
    FAIL("no error came");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::no_space);
    CHECK(error.message() == "writing \"a\" b");
    CHECK(error.hint() == "make room");
    CHECK(error.code() == 28);
  }
  const std::string huge(1 << 20, 'x');
  CHECK(encode(base::Error{base::ErrorKind::internal, huge, huge}).size() < 20'000);
}

TEST_CASE("a child that lies gets an error, not a belief") {
  const std::string unpacked = encode(storage::UnpackResult{});
  for (const std::string& message :
       {std::string{}, std::string{"\0", 1}, std::string{"\x7f"}, encode_done(), encode(StagingPlace{"a", {}, {}}),
        unpacked + "\n1", unpacked.substr(0, 3), std::string{"\3-1\n0\n0\n0"},
        std::string{"\3"
                    "99999999999999999999\n0\n0\n0"},
        std::string{"\4"
                    "99\n0\nmessage\nhint"},
        std::string{"\4"
                    "1\n0\nmessage"}}) {
    CAPTURE(message);
    CHECK_THROWS_AS(decode_result(message), base::Error);
  }
  for (const char* name : {"", ".", "..", "a/b", "/"})
    CHECK_THROWS_AS(decode_staging(encode(StagingPlace{name, {}, {}})), base::Error);
  CHECK_THROWS_AS(decode_job("\2"
                             "9\nsha256:00\n0"),
                  base::Error);
}

TEST_CASE("a message to the child names nothing outside of its folders") {
  for (const char* name : {"", ".", "..", "a/b", "/"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(decode_staging(encode(StagingPlace{"a", {}, {name}})), base::Error);
    const auto policy = storage::OwnerPolicy::mapped;
    CHECK_THROWS_AS(decode_adopt(encode(AdoptJob{name, policy, "v", {}})), base::Error);
    CHECK_THROWS_AS(decode_adopt(encode(AdoptJob{"a", policy, name, {}})), base::Error);
    CHECK_THROWS_AS(decode_adopt(encode(AdoptJob{"a", policy, "v", {{false, name}}})), base::Error);
  }
}
