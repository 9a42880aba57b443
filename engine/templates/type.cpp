#include "engine/templates/type.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine::templates {
namespace {

struct Basic {
  std::string_view name;
  Kind kind;
  Look look = Look::plain;
};

constexpr std::array basics = {Basic{"bool", Kind::boolean},
                               Basic{"int", Kind::integer},
                               Basic{"int8", Kind::integer},
                               Basic{"int16", Kind::integer},
                               Basic{"int32", Kind::integer},
                               Basic{"int64", Kind::integer},
                               Basic{"uint", Kind::unsigned_integer},
                               Basic{"uint8", Kind::unsigned_integer},
                               Basic{"uint16", Kind::unsigned_integer},
                               Basic{"uint32", Kind::unsigned_integer},
                               Basic{"uint64", Kind::unsigned_integer},
                               Basic{"float64", Kind::floating},
                               Basic{"string", Kind::string},
                               Basic{"time.Duration", Kind::integer, Look::duration},
                               Basic{"time.Time", Kind::structure, Look::time},
                               Basic{"struct{}", Kind::structure},
                               Basic{"digest.Digest", Kind::string}};

Types& basic_types() {
  static Types types;
  return types;
}

const Type* basic(std::string_view name) {
  return basic_types().find(name);
}

}  // namespace

Type* Types::slot(std::string_view name) {
  if (const auto found = types_.find(name); found != types_.end()) return found->second.get();
  auto made = std::make_unique<Type>();
  made->name = name == "any" ? "interface {}" : name == "struct{}" ? "struct {}" : std::string{name};
  Type* type = made.get();
  types_.emplace(name, std::move(made));
  if (name == "any") {
    type->kind = Kind::interface;
  } else if (name.starts_with("[]")) {
    type->kind = Kind::list;
    type->element = slot(name.substr(2));
    type->name = "[]" + type->element->name;
  } else if (name.starts_with('*')) {
    type->kind = Kind::pointer;
    type->element = slot(name.substr(1));
    type->name = "*" + type->element->name;
  } else if (const std::size_t end = name.find(']'); name.starts_with("map[") && end != std::string_view::npos) {
    type->kind = Kind::map;
    type->key = slot(name.substr(4, end - 4));
    type->element = slot(name.substr(end + 1));
    type->name = base::concat("map[", type->key->name, "]", type->element->name);
  } else {
    type->kind = Kind::structure;
    for (const Basic& one : basics)
      if (one.name == name) type->kind = one.kind, type->look = one.look;
  }
  return type;
}

const Type* Types::find(std::string_view name) {
  if (name.empty()) throw base::make_error(base::ErrorKind::internal, "a type without a name");
  return slot(name);
}

void Types::declare_field(Type& type, std::string_view line) {
  const std::vector<std::string_view> words = base::split(line, ' ');
  if (words.size() == 2 && words[1] == "embedded") {
    const std::string_view path = words[0];
    const std::string name{path.substr(path.rfind('.') + 1)};  // Go names it so, with or without '*'
    type.fields.push_back({.name = name, .type = slot(path), .json_name = {}, .embedded = true});
    return;
  }
  Field field{.name = std::string{words.at(0)}, .type = slot(words.at(1)), .json_name = std::string{words.at(0)}};
  if (words.size() > 2 && words[2] == "method") {
    field.method = true;
    field.json_name.clear();
    field.source = words.size() > 3 ? std::string{words[3]} : field.name + "()";
  } else if (words.size() > 2) {
    const auto parts = base::split(words[2], ',');
    if (!parts[0].empty()) field.json_name = parts[0] == "-" ? std::string{} : std::string{parts[0]};
    field.omit_empty = parts.size() > 1;
  }
  type.fields.push_back(std::move(field));
}

void Types::declare(std::string_view text) {
  Type* type = nullptr;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::string_view words = base::trim(line);
    if (words.empty()) continue;
    if (line.front() == ' ') {
      if (type == nullptr) throw base::make_error(base::ErrorKind::internal, "a field without a struct: ", words);
      declare_field(*type, words);
    } else {
      type = slot(words);
      type->fields.clear();  // two texts may declare the same struct
    }
  }
}

const Type* bool_type() {
  static const Type* type = basic("bool");
  return type;
}
const Type* int_type() {
  static const Type* type = basic("int");
  return type;
}
const Type* float_type() {
  static const Type* type = basic("float64");
  return type;
}
const Type* string_type() {
  static const Type* type = basic("string");
  return type;
}
const Type* any_type() {
  static const Type* type = basic("any");
  return type;
}
const Type* string_list_type() {
  static const Type* type = basic("[]string");
  return type;
}
const Type* any_list_type() {
  static const Type* type = basic("[]any");
  return type;
}
const Type* any_map_type() {
  static const Type* type = basic("map[string]any");
  return type;
}
const Type* byte_type() {
  static const Type* type = basic("uint8");
  return type;
}

}  // namespace engine::templates
