#pragma once

#include <span>
#include <string_view>

// What the keys of Quadlet files mean, as a table. Source: podman-systemd.unit(5), podman 5.

namespace engine {

enum class QuadletKind { container, volume, network, image, build, pod, kube };

enum class KeyMeaning {
  last,          ///< --option=VALUE, of the last assignment
  last_or_set,   ///< As last, but an empty value is one
  each,          ///< --option=VALUE, of each assignment
  words,         ///< --option=WORD, of each word of each assignment
  assignments,   ///< The same; a word NAME=VALUE takes the place of an earlier one with that name
  boolean,       ///< --option, --option=false
  if_true,       ///< --option, or nothing
  path,          ///< As each; relative to the folder of the file
  arguments,     ///< Words that are options themselves, at the end
  global,        ///< --option=VALUE in front of the command
  global_words,  ///< Words that are options themselves, in front of the command
  special,       ///< The code of its kind of file knows
};

struct QuadletKey {
  std::string_view name;
  KeyMeaning meaning;
  std::string_view option;  ///< "env"; with a value to put in front: "security-opt=seccomp=". Nothing for special ones.
};

struct QuadletFormat {
  QuadletKind kind;
  std::string_view extension;       ///< ".container"
  std::string_view section;         ///< "Container"
  std::string_view service_suffix;  ///< "-volume"
  std::span<const QuadletKey> keys;
};

std::span<const QuadletFormat> quadlet_formats();
/// Of a file name with one of the extensions; else nullptr.
const QuadletFormat* quadlet_format_of(std::string_view file_name);
const QuadletFormat& quadlet_format(QuadletKind kind);
/// Nullptr when it is none of the format's keys.
const QuadletKey* find_quadlet_key(const QuadletFormat& format, std::string_view name);

}  // namespace engine
