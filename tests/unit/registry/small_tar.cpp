#include "small_tar.hpp"

#include <cstdio>

#include "base/text.hpp"

namespace registry_test {

namespace {

void put(std::string& block, std::size_t offset, std::string_view text) {
  block.replace(offset, text.size(), text);
}

std::string octal(unsigned long long value, int digits) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%0*llo", digits, value);
  return buffer;
}

}  // namespace

SmallTar& SmallTar::entry(const std::string& name, char type, const std::string& link, std::string_view bytes,
                          long long size_field) {
  std::string block(512, '\0');
  put(block, 0, name.substr(0, 100));
  put(block, 100, "0000644");
  put(block, 108, "0000000");
  put(block, 116, "0000000");
  const auto size = size_field < 0 ? bytes.size() : static_cast<unsigned long long>(size_field);
  put(block, 124, octal(size, 11));
  put(block, 136, "00000000000");
  put(block, 148, "        ");
  block[156] = type;
  put(block, 157, link.substr(0, 100));
  put(block, 257, std::string_view{"ustar\00000", 8});
  unsigned long long sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, 148, octal(sum, 6) + std::string(1, '\0'));
  bytes_ += block;
  bytes_ += bytes;
  bytes_.append((512 - bytes.size() % 512) % 512, '\0');
  return *this;
}

SmallTar& SmallTar::file(const std::string& name, std::string_view bytes) {
  return entry(name, '0', "", bytes);
}
SmallTar& SmallTar::symbolic_link(const std::string& name, const std::string& target) {
  return entry(name, '2', target, "");
}
SmallTar& SmallTar::hard_link(const std::string& name, const std::string& target) {
  return entry(name, '1', target, "");
}
SmallTar& SmallTar::directory(const std::string& name) {
  return entry(name, '5', "", "");
}

SmallTar& SmallTar::pax(const std::string& key, const std::string& value) {
  const std::string rest = base::concat(" ", key, "=", value, "\n");
  std::size_t length = rest.size() + 1;
  while (base::concat(length).size() + rest.size() != length) ++length;
  return entry("pax", 'x', "", base::concat(length, rest));
}

std::string SmallTar::bytes() const {
  return bytes_ + std::string(1024, '\0');
}

}  // namespace registry_test
