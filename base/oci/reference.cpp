#include "base/oci/reference.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace oci {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_name_bytes = 255;  // domain and path together
constexpr std::size_t max_tag_bytes = 128;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter_or_digit(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c);
}

/// Letters, digits and inner hyphens.
bool is_domain_component(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

/// "host", "host.example:5000", "[fd00::1]:5000".
bool is_domain(std::string_view text) {
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || !std::all_of(port.begin(), port.end(), is_digit)) return false;
    host = text.substr(0, colon);
  }
  if (!host.empty() && host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return false;
    const std::string_view address = host.substr(1, host.size() - 2);
    return std::all_of(address.begin(), address.end(), [](char c) { return is_hex(c) || c == ':'; });
  }
  const std::vector<std::string_view> components = base::split(host, '.');
  return std::all_of(components.begin(), components.end(), is_domain_component);
}

/// Runs of lower-case letters and digits, joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view text) {
  const auto is_word = [](char c) { return is_lower(c) || is_digit(c); };
  std::size_t index = 0;
  for (;;) {
    const std::size_t word_start = index;
    while (index < text.size() && is_word(text[index])) ++index;
    if (index == word_start) return false;
    if (index == text.size()) return true;
    const std::size_t joint_start = index;
    while (index < text.size() && !is_word(text[index])) ++index;
    const std::string_view joint = text.substr(joint_start, index - joint_start);
    const bool is_hyphens = joint.find_first_not_of('-') == std::string_view::npos;
    if (joint != "." && joint != "_" && joint != "__" && !is_hyphens) return false;
  }
}

bool is_tag(std::string_view text) {
  const auto is_word = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  return !text.empty() && text.size() <= max_tag_bytes && is_word(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

/// Whether the part before the first "/" names a registry and not a user of Docker Hub.
bool looks_like_domain(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
         std::any_of(first.begin(), first.end(), is_upper);
}

void check_path(std::string_view path, std::string_view whole) {
  for (const std::string_view component : base::split(path, '/')) {
    if (is_path_component(component)) continue;
    if (std::any_of(component.begin(), component.end(), is_upper))
      throw make_error(ErrorKind::invalid_argument, "image name ", quoted(whole),
                       ": the repository must be lower case");
    throw make_error(ErrorKind::invalid_argument, "image name ", quoted(whole), ": ", quoted(component),
                     component.empty() ? " (an empty part) is not allowed" : " is not allowed in a repository");
  }
}

/// With or without "sha256:" in front, which would otherwise be a repository with a tag.
bool is_image_id(std::string_view text) {
  if (text.rfind("sha256:", 0) == 0) text.remove_prefix(7);
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return is_hex(c) && !is_upper(c); });
}

}  // namespace

Reference Reference::parse(std::string_view text) {
  Reference result;
  std::string_view name = text;
  if (name.empty()) throw make_error(ErrorKind::invalid_argument, "an image name may not be empty");
  if (is_image_id(name))
    throw make_error(ErrorKind::invalid_argument, "image name ", quoted(text), " is an image id, not a name");
  if (const auto at = base::split_once(name, '@')) {
    result.digest_ = base::with_context([&] { return base::Digest::parse(at->second); }, "image name ", quoted(text));
    name = at->first;
  }
  const std::size_t colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    result.tag_ = name.substr(colon + 1);
    if (!is_tag(result.tag_))
      throw make_error(ErrorKind::invalid_argument, "image name ", quoted(text), ": ", quoted(result.tag_),
                       " is not a tag");
    name = name.substr(0, colon);
  }
  const auto parts = base::split_once(name, '/');
  const bool has_domain = parts && looks_like_domain(parts->first);
  result.domain_ = has_domain ? parts->first : "docker.io";
  result.path_ = has_domain ? parts->second : name;
  if (result.domain_ == "index.docker.io") result.domain_ = "docker.io";
  if (!is_domain(result.domain_))
    throw make_error(ErrorKind::invalid_argument, "image name ", quoted(text), ": ", quoted(result.domain_),
                     " is not a registry");
  check_path(result.path_, text);
  if (result.domain_ == "docker.io" && result.path_.find('/') == std::string::npos) result.path_.insert(0, "library/");
  if (result.repository().size() > max_name_bytes)
    throw make_error(ErrorKind::invalid_argument, "image name ", quoted(text), " is longer than ", max_name_bytes,
                     " bytes");
  if (result.tag_.empty() && !result.digest_) result.tag_ = "latest";
  return result;
}

bool Reference::is_qualified(std::string_view text) {
  const auto parts = base::split_once(text, '/');
  return parts && looks_like_domain(parts->first);
}

std::string Reference::name_and_tag() const {
  return tag_.empty() ? repository() : base::concat(repository(), ":", tag_);
}

std::string Reference::to_string() const {
  return digest_ ? base::concat(name_and_tag(), "@", *digest_) : name_and_tag();
}

Reference Reference::with_digest(base::Digest digest) const {
  Reference copy = *this;
  copy.digest_ = std::move(digest);
  return copy;
}

Reference Reference::with_tag(std::string tag) const {
  if (!is_tag(tag)) throw make_error(ErrorKind::invalid_argument, quoted(tag), " is not a tag");
  Reference copy = *this;
  copy.tag_ = std::move(tag);
  return copy;
}

}  // namespace oci
