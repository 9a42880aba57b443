#include <doctest/doctest.h>
#include <map>
#include <random>
#include <string>

#include "base/error.hpp"
#include "storage/layout.hpp"

namespace layout = storage::layout;

TEST_CASE("a name is encoded into one path component that can be read") {
  CHECK(layout::encode_name("docker.io/library/busybox:latest") == "docker.io%2Flibrary%2Fbusybox:latest");
  CHECK(layout::encode_name("web_1") == "web_1");
  CHECK(layout::encode_name(".") == "%2E");
  CHECK(layout::encode_name("..") == "%2E.");
  CHECK(layout::encode_name("~x%") == "%7Ex%25");
  CHECK(layout::encode_name(std::string{"a\0b\n", 4}) == "a%00b%0A");
  CHECK_THROWS_AS(layout::encode_name(""), base::Error);
}

TEST_CASE("encoding is bijective for any bytes and never a special path component") {
  std::mt19937 random{20260101};
  std::uniform_int_distribution<int> byte{0, 255};
  std::uniform_int_distribution<std::size_t> length{1, 60};
  std::map<std::string, std::string> seen;
  for (int round = 0; round < 1000; ++round) {
    std::string name(length(random), '\0');
    for (char& at : name) at = static_cast<char>(byte(random));
    const std::string encoded = layout::encode_name(name);
    CAPTURE(encoded);
    CHECK(layout::decode_name(encoded) == name);
    CHECK(encoded.find('/') == std::string::npos);
    CHECK(encoded.find('\0') == std::string::npos);
    CHECK(encoded.front() != '.');
    CHECK(encoded.front() != '~');
    CHECK(encoded.size() <= 200);
    CHECK(seen.try_emplace(encoded, name).first->second == name);
  }
}

TEST_CASE("a name too long for a path component becomes its digest") {
  const std::string shorter(200, 'a');
  const std::string longer(201, 'a');
  CHECK(layout::encode_name(shorter) == shorter);
  CHECK(layout::encode_name(longer).size() == 65);
  CHECK(layout::encode_name(longer).front() == '~');
  CHECK(layout::encode_name(longer) != layout::encode_name(std::string(202, 'a')));
  CHECK(layout::decode_name(layout::encode_name(longer)).empty());
}

TEST_CASE("what encode_name never writes is not decoded") {
  for (const char* bad : {"%", "%2", "%2f", "%GG", "%41", ".hidden", "a/b", "~00", "a%2Eb"}) {
    CAPTURE(bad);
    CHECK(layout::decode_name(bad).empty());
  }
}

TEST_CASE("a path is made from checked identifiers only") {
  const auto digest = base::Digest::from_hex(std::string(64, 'a'));
  CHECK(layout::blob(digest) == "blobs/sha256/aa/" + std::string(64, 'a'));
  CHECK(layout::layer_diff(digest, "single") == "layers/" + std::string(64, 'a') + "/single/diff");
  CHECK(layout::pull_lock(digest) == "locks/pull-aa");
  for (const char* bad : {"", "..", "a/b", "A", "meta.x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(layout::layer_variant(digest, bad), base::Error);
    CHECK_THROWS_AS(layout::container(bad), base::Error);
  }
}

TEST_CASE("names of containers and volumes follow the grammar") {
  for (const char* good : {"a", "0", "web-1", "A_b.c"}) {
    CAPTURE(good);
    CHECK(layout::is_object_name(good));
  }
  for (const char* bad : {"", "-a", ".a", "_a", "a/b", "a b", "a\n", "ä"}) {
    CAPTURE(bad);
    CHECK_FALSE(layout::is_object_name(bad));
  }
}
