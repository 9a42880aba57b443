// Linked with each implementation in turn. Vectors: FIPS 180-4 examples and NIST CAVP.
#include <doctest/doctest.h>

#include "base/digest.hpp"
#include "base/error.hpp"

using base::Digest;
using base::Sha256;

namespace {

struct Vector {
  std::string text;
  const char* hex;
};

const Vector vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

}  // namespace

TEST_CASE("known texts have their published digests") {
  for (const Vector& vector : vectors) CHECK(base::sha256(vector.text).hex() == vector.hex);
}

TEST_CASE("a digest does not depend on how the bytes are cut into pieces") {
  const std::string text(1000, 'x');
  const Digest whole = base::sha256(text);
  for (std::size_t piece = 1; piece <= 200; ++piece) {
    CAPTURE(piece);
    Sha256 hash;
    for (std::size_t start = 0; start < text.size(); start += piece) hash.update(text.substr(start, piece));
    CHECK(hash.finish() == whole);
  }
}

TEST_CASE("every length around a block boundary is padded right") {
  // The digest of the digests of 0 to 199 zero bytes, computed with Python's hashlib.
  std::string all;
  for (std::size_t length = 0; length < 200; ++length) all += base::sha256(std::string(length, '\0')).hex();
  CHECK(base::sha256(all).hex() == "ba0e721dc998238252c8b028f0ce4ea61910d7fcb8252e56492d919297596c14");
}

TEST_CASE("a hash that was moved goes on where it was") {
  Sha256 first;
  first.update("a");
  Sha256 second = std::move(first);
  second.update("bc");
  CHECK(second.finish().hex() == vectors[1].hex);
}

TEST_CASE("only sha256 and 64 lower-case hexadecimal digits are a digest") {
  const std::string good(64, 'a');
  CHECK(Digest::parse("sha256:" + good).short_hex() == "aaaaaaaaaaaa");
  const std::string bad[] = {"",
                             "sha256:",
                             good,
                             "sha256:" + std::string(63, 'a'),
                             "sha256:" + std::string(65, 'a'),
                             "sha256:" + std::string(64, 'A'),
                             "sha256:" + std::string(64, 'g'),
                             "SHA256:" + good,
                             "sha512:" + good + good,
                             "sha256:../../../../../../../../../../etc/passwd",
                             " sha256:" + good};
  for (const std::string& text : bad) {
    CAPTURE(text);
    CHECK_THROWS_AS(Digest::parse(text), base::Error);
  }
}
