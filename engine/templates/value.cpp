#include "engine/templates/value.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/moment.hpp"

namespace engine::templates {

const Values& Value::elements() const {
  static const Values none;
  const auto* list = std::get_if<std::shared_ptr<const Values>>(&data);
  return list == nullptr ? none : **list;
}

const Entries& Value::entries() const {
  static const Entries none;
  const auto* map = std::get_if<std::shared_ptr<const Entries>>(&data);
  return map == nullptr ? none : **map;
}

Value make_bool(bool yes) {
  return {bool_type(), yes};
}
Value make_int(std::int64_t number) {
  return {int_type(), number};
}
Value make_float(double number) {
  return {float_type(), number};
}
Value make_text(std::string text) {
  return {string_type(), std::move(text)};
}
Value make_texts(const std::vector<std::string>& texts) {
  Values elements;
  for (const std::string& text : texts) elements.push_back(make_text(text));
  return make_list(string_list_type(), std::move(elements));
}
Value make_list(const Type* type, Values elements) {
  return {type, std::make_shared<const Values>(std::move(elements))};
}
Value make_map(const Type* type, Entries entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& left, const auto& right) { return comes_before(left.first, right.first); });
  return {type, std::make_shared<const Entries>(std::move(entries))};
}
Value make_struct(const Type* type, Values fields) {
  return {type, std::make_shared<const Values>(std::move(fields))};
}
Value make_holder(const Type* type, Value value) {
  if (!value.exists()) return {type, {}};
  return {type, std::make_shared<const Value>(std::move(value))};
}

Value zero_of(const Type* type) {
  if (type->look == Look::time) return {type, Moment{}};
  switch (type->kind) {
    case Kind::boolean:
      return {type, false};
    case Kind::integer:
      return {type, std::int64_t{0}};
    case Kind::unsigned_integer:
      return {type, std::uint64_t{0}};
    case Kind::floating:
      return {type, 0.0};
    case Kind::string:
      return {type, std::string{}};
    case Kind::structure: {
      Values fields;
      for (const Field& field : type->fields) fields.push_back(zero_of(field.type));
      return make_struct(type, std::move(fields));
    }
    default:
      return {type, {}};
  }
}

const Value& follow(const Value& value) {
  const Value* at = &value;
  while ((at->kind() == Kind::pointer || at->kind() == Kind::interface) && !at->is_nil()) at = &at->target();
  return *at;
}

Value open_interface(const Value& value) {
  if (value.kind() != Kind::interface) return value;
  return value.is_nil() ? Value{} : value.target();
}

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::nothing:
      return false;
    case Kind::boolean:
      return value.boolean();
    case Kind::integer:
      return value.integer() != 0;
    case Kind::unsigned_integer:
      return value.unsigned_integer() != 0;
    case Kind::floating:
      return value.floating() < 0 || value.floating() > 0;
    case Kind::structure:
      return true;
    case Kind::pointer:
    case Kind::interface:
      return !value.is_nil();
    default:
      return length_of(value).value_or(0) > 0;
  }
}

std::optional<std::size_t> length_of(const Value& value) {
  if (value.kind() == Kind::string) return value.text().size();
  if (value.kind() == Kind::list) return value.elements().size();
  if (value.kind() == Kind::map) return value.entries().size();
  return std::nullopt;
}

bool comes_before(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return left.kind() < right.kind();
  if (left.kind() == Kind::integer) return left.integer() < right.integer();
  if (left.kind() == Kind::unsigned_integer) return left.unsigned_integer() < right.unsigned_integer();
  if (left.kind() == Kind::string) return left.text() < right.text();
  return false;
}

const Value* entry_of(const Value& map, const Value& key) {
  const Entries& entries = map.entries();
  const auto found = std::lower_bound(entries.begin(), entries.end(), key, [](const auto& entry, const Value& wanted) {
    return comes_before(entry.first, wanted);
  });
  return found == entries.end() || comes_before(key, found->first) ? nullptr : &found->second;
}

namespace {

/// The first field that `fits`: of the struct itself before those of embedded ones, methods before fields.
template <class Fits>
const Value* find_field(const Value& structure, const Fits& fits) {
  const std::vector<Field>& fields = structure.type->fields;
  const Values& values = structure.elements();
  for (const bool method : {true, false})
    for (std::size_t at = 0; at < values.size(); ++at)
      if (fields[at].method == method && fits(fields[at])) return &values[at];
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (!fields[at].embedded) continue;
    const Value& inner = follow(values[at]);
    if (inner.kind() != Kind::structure) continue;
    if (const Value* found = find_field(inner, fits)) return found;
  }
  return nullptr;
}

}  // namespace

const Value* field_of(const Value& structure, std::string_view name) {
  return find_field(structure, [name](const Field& field) { return field.name == name; });
}

const Value* field_by_other_name(const Value& structure, std::string_view name) {
  if (const Value* found = find_field(structure, [name](const Field& field) { return field.json_name == name; }))
    return found;
  const std::string lower = base::to_lower(name);
  return find_field(structure, [&](const Field& field) { return base::to_lower(field.name) == lower; });
}

bool type_has_field(const Type& type, std::string_view name) {
  return std::any_of(type.fields.begin(), type.fields.end(), [name](const Field& field) {
    if (field.name == name) return true;
    const Type* inner = field.type->kind == Kind::pointer ? field.type->element : field.type;
    return field.embedded && type_has_field(*inner, name);
  });
}

}  // namespace engine::templates
