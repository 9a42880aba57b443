#include "storage/layout.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace storage::layout {

namespace {

// Room for the temporary names that base::write_file_atomically makes of it; NAME_MAX is 255.
constexpr std::size_t max_encoded_bytes = 200;

bool is_digit_or_letter(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool is_literal(char byte, bool first) {
  if (is_digit_or_letter(byte)) return true;
  if (first && byte == '.') return false;  // neither ".", ".." nor one of our temporary names
  return byte == '.' || byte == '_' || byte == '-' || byte == ':' || byte == '@' || byte == '+';
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// A path component may only come from a checked identifier.
std::string_view checked_variant(std::string_view variant) {
  const bool is_valid = !variant.empty() && std::all_of(variant.begin(), variant.end(), [](char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '-';
  });
  if (!is_valid) throw base::make_error(base::ErrorKind::internal, base::quoted(variant), " is not an id variant");
  return variant;
}

}  // namespace

std::string blob_dir(const base::Digest& digest) {
  return base::concat("blobs/sha256/", digest.hex().substr(0, 2));
}

std::string blob(const base::Digest& digest) {
  return base::concat(blob_dir(digest), "/", digest.hex());
}

std::string partial(const base::Digest& digest) {
  return base::concat(partial_folder, "/", digest.hex());
}

std::string layer(const base::Digest& chain) {
  return base::concat("layers/", chain.hex());
}

std::string layer_variant(const base::Digest& chain, std::string_view variant) {
  return base::concat(layer(chain), "/", checked_variant(variant));
}

std::string layer_diff(const base::Digest& chain, std::string_view variant) {
  return base::concat(layer_variant(chain, variant), "/diff");
}

std::string layer_opaque(const base::Digest& chain, std::string_view variant) {
  return base::concat(layer_variant(chain, variant), "/opaque");
}

std::string merged(const base::Digest& chain, std::string_view variant) {
  return base::concat("merged/", chain.hex(), "-", checked_variant(variant));
}

std::string image(const base::Digest& manifest) {
  return base::concat("images/", manifest.hex());
}

std::string ref(std::string_view name) {
  return base::concat("refs/", encode_name(name));
}

std::string container(std::string_view id) {
  if (!is_container_id(id)) {
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(id), " is not a container id");
  }
  return base::concat("containers/", id);
}

std::string container_name(std::string_view name) {
  return base::concat("names/", encode_name(name));
}

std::string volume(std::string_view name) {
  return base::concat("volumes/", encode_name(name));
}

std::string pull_lock(const base::Digest& digest) {
  return base::concat("locks/pull-", digest.hex().substr(0, 2));
}

bool is_container_id(std::string_view text) {
  return is_hex_digest(text);
}

bool is_hex_digest(std::string_view text) {
  return text.size() == 64 && is_lower_hex(text);
}

bool is_lower_hex(std::string_view text) {
  unsigned wrong = 0;  // no branch for each digit: lists look at thousands of names
  for (const char byte : text)
    wrong |= static_cast<unsigned>(static_cast<unsigned char>(byte - '0') > 9) &
             static_cast<unsigned>(static_cast<unsigned char>(byte - 'a') > 5);
  return wrong == 0;
}

bool is_object_name(std::string_view name) {
  return !name.empty() && is_digit_or_letter(name.front()) && std::all_of(name.begin(), name.end(), [](char byte) {
    return is_digit_or_letter(byte) || byte == '_' || byte == '.' || byte == '-';
  });
}

std::string encode_name(std::string_view name) {
  if (name.empty()) throw base::make_error(base::ErrorKind::invalid_argument, "a name may not be empty");
  constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_literal(name[i], i == 0)) {
      encoded.push_back(name[i]);
      continue;
    }
    const auto byte = static_cast<unsigned char>(name[i]);
    encoded.push_back('%');
    encoded.push_back(digits[byte >> 4]);
    encoded.push_back(digits[byte & 15]);
  }
  if (encoded.size() <= max_encoded_bytes) return encoded;
  return base::concat("~", base::sha256(name).hex());  // "~" itself is always encoded, so the two never meet
}

std::string decode_name(std::string_view encoded) {
  std::string name;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (is_literal(encoded[i], i == 0)) {
      name.push_back(encoded[i]);
      continue;
    }
    if (encoded[i] != '%' || i + 2 >= encoded.size()) return {};
    const int high = hex_value(encoded[i + 1]);
    const int low = hex_value(encoded[i + 2]);
    if (high < 0 || low < 0) return {};
    const auto byte = static_cast<char>(high * 16 + low);
    if (is_literal(byte, i == 0)) return {};  // not what encode_name writes
    name.push_back(byte);
    i += 2;
  }
  return name;
}

}  // namespace storage::layout
