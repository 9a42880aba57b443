#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace engine::templates {

/// What stands between '%' and the verb.
struct PrintFlags {
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  bool with_names = false;  ///< %+v
  bool as_source = false;   ///< %#v
  std::optional<int> width, precision;
};

// Each appends to `out`, padded to the width in characters. Source: the documentation of Go's package fmt.

void append_padded(std::string& out, const PrintFlags& flags, std::string_view text);
/// @param verb  One of bdoOxX.
void append_integer(std::string& out, PrintFlags flags, std::uint64_t magnitude, bool negative, char verb);
/// @param verb  One of eEfFgG, or 'v'.
void append_floating(std::string& out, const PrintFlags& flags, double number, char verb);
/// %s, of as many characters as the precision says.
void append_text(std::string& out, const PrintFlags& flags, std::string_view text);
/// %q
void append_quoted(std::string& out, const PrintFlags& flags, std::string_view text);
/// %x and %X of text.
void append_hex(std::string& out, const PrintFlags& flags, std::string_view bytes, bool upper);
/// %U
void append_code_point(std::string& out, const PrintFlags& flags, std::uint64_t code);

/// The shortest digits that read back as the same number, as %v has them: "1e+06", "0.5".
/// @param first_large  The first power of ten that is written with an exponent.
std::string shortest_floating(double number, int first_large = 6);

}  // namespace engine::templates
