#include "engine/secret_words.hpp"

#include <charconv>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view form = "NAME[,type=mount|env][,target=PATH or VARIABLE][,uid=N][,gid=N][,mode=0444]";

base::Error wrong(std::string_view word, std::string_view part, std::string_view what) {
  return make_error(ErrorKind::invalid_argument, "--secret ", quoted(word), ": ", quoted(part), " ", what)
      .with_hint(std::string{form});
}

std::uint32_t parse_id(std::string_view word, std::string_view value) {
  const auto id = base::parse_unsigned(value);
  if (!id || *id >= UINT32_MAX) throw wrong(word, value, "is not an id");
  return static_cast<std::uint32_t>(*id);
}

mode_t parse_mode(std::string_view word, std::string_view value) {
  constexpr unsigned highest_mode = 0777;
  constexpr int octal = 8;
  unsigned mode = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), mode, octal);
  if (problem != std::errc{} || end != value.data() + value.size() || mode > highest_mode)
    throw wrong(word, value, "is not an octal mode of files");
  return static_cast<mode_t>(mode);
}

/// "/run/secrets/a/b", whatever ".." there are.
std::string place_of(std::string_view target) {
  const bool is_absolute = target.starts_with('/');
  const std::string below = std::filesystem::path{base::concat("/", target)}.lexically_normal().string();
  std::string clean = is_absolute ? below : base::concat(secrets_place, below);
  const std::size_t start = clean.find_first_not_of('/');
  return start == std::string::npos ? std::string{"/"} : clean.substr(start - 1);
}

}  // namespace

storage::ContainerSecret parse_secret_word(std::string_view word) {
  storage::ContainerSecret secret;
  bool has_owner = false;
  for (const std::string_view part : base::split(word, ',')) {
    const auto pair = base::split_once(part, '=');
    if (!pair) {
      if (!secret.name.empty() || part.empty()) throw wrong(word, part, "is not an option of a secret");
      secret.name = part;
      continue;
    }
    const auto& [key, value] = *pair;
    has_owner = has_owner || key == "uid" || key == "gid" || key == "mode";
    if (key == "source")
      secret.name = value;
    else if (key == "target")
      secret.target = value;
    else if (key == "type" && (value == "mount" || value == "env"))
      secret.is_variable = value == "env";
    else if (key == "uid")
      secret.uid = parse_id(word, value);
    else if (key == "gid")
      secret.gid = parse_id(word, value);
    else if (key == "mode")
      secret.mode = parse_mode(word, value);
    else
      throw wrong(word, part, key == "type" ? "is neither mount nor env" : "is not an option of a secret");
  }
  if (secret.name.empty()) throw wrong(word, word, "names no secret");
  if (secret.is_variable && has_owner) throw wrong(word, "type=env", "has neither uid, gid nor mode");
  if (secret.target.find('\0') != std::string::npos) throw wrong(word, secret.target, "has a NUL byte");
  if (secret.is_variable && secret.target.find('=') != std::string::npos)
    throw wrong(word, secret.target, "is not a variable");
  if (secret.target.empty()) secret.target = secret.name;
  if (!secret.is_variable) secret.target = place_of(secret.target);
  return secret;
}

}  // namespace engine
