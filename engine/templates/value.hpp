#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "engine/templates/type.hpp"

namespace engine::templates {

struct Value;
using Values = std::vector<Value>;
struct Entry;
using Entries = std::vector<Entry>;  ///< Of a map, sorted by key.

/// A moment as Go keeps it: also of year 1, and in the zone it was written in.
struct Moment {
  std::int64_t seconds = -62135596800;  ///< Since 1970, UTC. Go's zero time.
  std::uint32_t nanoseconds = 0;
  int offset_seconds = 0;  ///< East of UTC.

  auto operator<=>(const Moment&) const = default;
};

/// A value with its Go type. Copies share what is large; nothing ever changes.
struct Value {
  const Type* type = nullptr;  ///< Null: no value at all, which is printed "<no value>".
  /// Nothing in it: nil, for lists, maps, pointers and interfaces. Fields of structs are as many as their type has.
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, std::shared_ptr<const Values>,
               std::shared_ptr<const Entries>, std::shared_ptr<const Value>, Moment>
      data;

  bool exists() const { return type != nullptr; }
  Kind kind() const { return type == nullptr ? Kind::nothing : type->kind; }
  bool is_nil() const { return std::holds_alternative<std::monostate>(data); }
  bool boolean() const { return std::get<bool>(data); }
  std::int64_t integer() const { return std::get<std::int64_t>(data); }
  std::uint64_t unsigned_integer() const { return std::get<std::uint64_t>(data); }
  double floating() const { return std::get<double>(data); }
  const std::string& text() const { return std::get<std::string>(data); }
  const Moment& moment() const { return std::get<Moment>(data); }
  const Values& elements() const;  ///< Of a list or struct; none when nil.
  const Entries& entries() const;  ///< Of a map; none when nil.
  /// What a pointer or interface holds. Only when it is not nil.
  const Value& target() const { return *std::get<std::shared_ptr<const Value>>(data); }
};

/// What a map has under one key.
struct Entry {
  Value first;   ///< The key.
  Value second;  ///< Its value.
};

Value make_bool(bool yes);
Value make_int(std::int64_t number);
Value make_float(double number);
Value make_text(std::string text);
Value make_texts(const std::vector<std::string>& texts);
Value make_list(const Type* type, Values elements);
Value make_map(const Type* type, Entries entries);
Value make_struct(const Type* type, Values fields);
/// `value` as a pointer or interface of `type`; a nil one when there is no value.
Value make_holder(const Type* type, Value value);
/// Go's zero value.
Value zero_of(const Type* type);

/// What pointers and interfaces lead to. When one is nil: that one.
const Value& follow(const Value& value);
/// As above, of an interface only, and only one step; no value when it is nil.
Value open_interface(const Value& value);
/// Go's idea of true: not the zero value; a struct always is.
bool is_true(const Value& value);
/// Elements of a list or map, bytes of a text; nothing for other kinds.
std::optional<std::size_t> length_of(const Value& value);
/// The entry of a map with this key; null when there is none.
const Value* entry_of(const Value& map, const Value& key);
/// A field or method of a struct, those of embedded ones included; null when it has none of that name.
const Value* field_of(const Value& structure, std::string_view name);
/// Likewise by the name that JSON has, or in other letters: `.Id` where Go says `.ID`.
const Value* field_by_other_name(const Value& structure, std::string_view name);
bool type_has_field(const Type& type, std::string_view name);
/// Order of the keys of maps.
bool comes_before(const Value& left, const Value& right);

/// The value that `json` is for Go when it is read into `type`. Absent members are zero values; what the method
/// `Size` says is in the member "Size()".
/// @throws Error corrupt, when it does not fit.
Value value_of_json(const Type* type, const std::optional<base::JsonAt>& json);

}  // namespace engine::templates
