#include <algorithm>

#include "engine/templates/moment.hpp"
#include "engine/templates/value.hpp"

namespace engine::templates {
namespace {

using base::JsonAt;

/// What Go makes of JSON when it is told nothing of its type.
Value untyped(const JsonAt& json) {
  if (json.is_null()) return {};
  if (json.is_string()) return make_text(json.string());
  if (json.is_array()) {
    Values elements;
    for (const JsonAt& element : json.array()) elements.push_back(make_holder(any_type(), untyped(element)));
    return make_list(any_list_type(), std::move(elements));
  }
  if (json.is_object()) {
    Entries entries;
    for (const auto& [name, member] : json.members())
      entries.push_back({make_text(name), make_holder(any_type(), untyped(member))});
    return make_map(any_map_type(), std::move(entries));
  }
  const std::string text = json.dump();
  return text == "true" || text == "false" ? make_bool(text == "true") : make_float(json.number());
}

Value list_of(const Type* type, const JsonAt& json) {
  Values elements;
  for (const JsonAt& element : json.array()) elements.push_back(value_of_json(type->element, element));
  return make_list(type, std::move(elements));
}

Value map_of(const Type* type, const JsonAt& json) {
  Entries entries;
  for (const auto& [name, member] : json.members()) {
    Value key{type->key, name};
    if (type->key->kind != Kind::string) {
      const auto number = base::parse_unsigned(name);
      if (!number) throw json.error("has a key that is no number");
      key.data = *number;
    }
    entries.push_back({std::move(key), value_of_json(type->element, member)});
  }
  return make_map(type, std::move(entries));
}

Value structure_of(const Type* type, const JsonAt& json) {
  if (type->look == Look::time) {
    const auto moment = parse_moment(json.string());
    if (!moment) throw json.error("is not a time");
    return {type, *moment};
  }
  Values fields;
  for (const Field& field : type->fields) {
    if (field.embedded) {
      const Type* inner = field.type->kind == Kind::pointer ? field.type->element : field.type;
      Value value = value_of_json(inner, json);
      fields.push_back(inner == field.type ? std::move(value) : make_holder(field.type, std::move(value)));
    } else if (field.method) {
      fields.push_back(value_of_json(field.type, json.find(field.source)));
    } else {
      fields.push_back(value_of_json(field.type, field.json_name.empty() ? std::nullopt : json.find(field.json_name)));
    }
  }
  return make_struct(type, std::move(fields));
}

}  // namespace

Value value_of_json(const Type* type, const std::optional<JsonAt>& json) {
  if (!json || json->is_null()) return zero_of(type);
  switch (type->kind) {
    case Kind::boolean:
      return {type, json->boolean()};
    case Kind::integer:
      return {type, json->integer()};
    case Kind::unsigned_integer:
      return {type, json->unsigned_integer()};
    case Kind::floating:
      return {type, json->number()};
    case Kind::string:
      return {type, json->string()};
    case Kind::list:
      return list_of(type, *json);
    case Kind::map:
      return map_of(type, *json);
    case Kind::structure:
      return structure_of(type, *json);
    case Kind::pointer:
      return make_holder(type, value_of_json(type->element, json));
    default:
      return make_holder(type, untyped(*json));
  }
}

}  // namespace engine::templates
