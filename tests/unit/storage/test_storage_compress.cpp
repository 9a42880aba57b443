#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/stream.hpp"
#include "storage/compress.hpp"
#include "storage/unpack_inflate.hpp"

using oci::LayerCompression;

namespace {

std::string compressed(const std::string& bytes, LayerCompression format, std::optional<unsigned> level,
                       std::size_t piece) {
  base::StringSink sink(64 * 1024 * 1024);
  const auto compressor = storage::open_compressor(sink, format, level);
  for (std::size_t at = 0; at < bytes.size(); at += piece) compressor->write(std::string_view{bytes}.substr(at, piece));
  compressor->finish();
  return sink.take();
}

class TextSource final : public base::Source {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t count = std::min(size, text_.size());
    std::memcpy(buffer, text_.data(), count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
};

std::string inflated(const std::string& bytes, LayerCompression format) {
  TextSource source(bytes);
  const auto inflater = storage::open_inflater(source, format, storage::UnpackLimits{});
  std::string text, buffer(65536, '\0');
  for (std::size_t count = inflater->read(buffer.data(), buffer.size()); count > 0;
       count = inflater->read(buffer.data(), buffer.size()))
    text.append(buffer, 0, count);
  return text;
}

std::string some_text(std::size_t count) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>(((i * 2654435761U) >> 20) % 17 + 'a');
  return text;
}

}  // namespace

TEST_CASE("what is compressed inflates to the same") {
  for (const LayerCompression format : {LayerCompression::gzip, LayerCompression::zstd}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3'000'001}}) {
      CAPTURE(size);
      const std::string text = some_text(size);
      const std::string packed = compressed(text, format, std::nullopt, 70'001);
      CHECK(inflated(packed, format) == text);
      if (size > 1) CHECK(packed.size() < text.size());
    }
  }
}

TEST_CASE("the same bytes become the same bytes, however they are cut") {
  const std::string text = some_text(2'000'000);
  for (const LayerCompression format : {LayerCompression::gzip, LayerCompression::zstd})
    CHECK(compressed(text, format, 5U, 1'000'000) == compressed(text, format, 5U, 999));
}

TEST_CASE("a higher level makes it smaller, and one that is none is refused") {
  const std::string text = some_text(2'000'000);
  CHECK(compressed(text, LayerCompression::gzip, 9U, 65536).size() <
        compressed(text, LayerCompression::gzip, 1U, 65536).size());
  CHECK_THROWS_AS(compressed("", LayerCompression::gzip, 10U, 1), base::Error);
  CHECK_THROWS_AS(compressed("", LayerCompression::zstd, 0U, 1), base::Error);
  CHECK_THROWS_AS(compressed("", LayerCompression::none, std::nullopt, 1), base::Error);
}
