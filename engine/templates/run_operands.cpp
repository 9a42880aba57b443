#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/print.hpp"
#include "engine/templates/quoting.hpp"
#include "engine/templates/run.hpp"

namespace engine::templates {
namespace {

using base::concat;

/// So many of the operands of a command are arguments.
std::size_t count_arguments(const Node* command) {
  return command == nullptr ? 0 : command->children.size() - 1;
}

bool is_named_type(const Value& value, Parameter wanted) {
  return value.exists() && value.type->name == name_of(wanted);
}

}  // namespace

Value Run::pipe(const Value& dot, const Node& node) {
  at(node);
  Value value;
  for (std::size_t stage = node.declared; stage < node.children.size(); ++stage) {
    value = open_interface(command(dot, *node.children[stage], stage == node.declared ? nullptr : &value));
  }
  for (std::size_t number = 0; number < node.declared; ++number) {
    const std::string& name = node.children[number]->names.front();
    if (node.is_assignment) {
      set_variable(name, value);
    } else {
      variables_.emplace_back(name, value);
    }
  }
  return value;
}

Value Run::command(const Value& dot, const Node& node, Final final) {
  const Node& first = *node.children.front();
  const bool has_more = node.children.size() > 1 || final != nullptr;
  switch (first.kind) {
    case NodeKind::field:
      at(first);
      return fields(dot, dot, first, 0, &node, final);
    case NodeKind::chain: {
      at(first);
      if (first.children[0]->kind == NodeKind::nil)
        fail(concat("indirection through explicit nil in ", source_of(first)));
      const Value receiver = operand(dot, *first.children[0]);
      return fields(dot, receiver, first, 0, &node, final);
    }
    case NodeKind::identifier:
      return function(dot, first, &node, final);
    case NodeKind::variable:
      at(first);
      if (first.names.size() > 1) return fields(dot, variable(first.names[0]), first, 1, &node, final);
      break;
    case NodeKind::pipe:
      break;
    default:
      at(first);
  }
  if (has_more) fail(concat("can't give argument to non-function ", source_of(first)));
  if (first.kind == NodeKind::nil) fail("nil is not a command");
  return operand(dot, first);
}

/// Something that stands alone: no arguments, nothing in front of it.
Value Run::operand(const Value& dot, const Node& node) {
  if (node.kind == NodeKind::pipe) return pipe(dot, node);
  at(node);
  switch (node.kind) {
    case NodeKind::boolean:
      return make_bool(node.text == "true");
    case NodeKind::dot:
      return dot;
    case NodeKind::field:
      return fields(dot, dot, node, 0, nullptr, nullptr);
    case NodeKind::chain:
      return fields(dot, operand(dot, *node.children[0]), node, 0, nullptr, nullptr);
    case NodeKind::identifier:
      return function(dot, node, nullptr, nullptr);
    case NodeKind::number:
      return constant(node);
    case NodeKind::string:
      return make_text(node.value);
    case NodeKind::variable:
      return fields(dot, variable(node.names[0]), node, 1, nullptr, nullptr);
    default:
      fail(concat("can't evaluate command ", quote(source_of(node))));
  }
}

/// A number whose use does not say what it should be.
Value Run::constant(const Node& node) {
  const bool is_hex = node.text.size() > 2 && node.text[0] == '0' && (node.text[1] | 0x20) == 'x' &&
                      node.text.find_first_of("pP") == std::string::npos;
  const bool looks_floating =
      !is_hex && node.text.front() != '\'' && node.text.find_first_of(".eEpP") != std::string::npos;
  if (node.number.floating && looks_floating) return make_float(*node.number.floating);
  if (node.number.integer) return make_int(*node.number.integer);
  if (node.number.unsigned_integer) fail(concat(node.text, " overflows int"));
  return {};
}

/// The fields of `node` from `first` on, one after the other; the last may be a method with arguments.
Value Run::fields(const Value& dot, Value receiver, const Node& node, std::size_t first, const Node* command,
                  Final final) {
  for (std::size_t number = first; number < node.names.size(); ++number) {
    const bool is_last = number + 1 == node.names.size();
    receiver = field(dot, receiver, node.names[number], node, is_last ? command : nullptr, is_last ? final : nullptr);
  }
  return receiver;
}

Value Run::field(const Value& dot, const Value& receiver, const std::string& name, const Node& node,
                 const Node* command, Final final) {
  if (!receiver.exists()) return {};
  const Value inner = follow(receiver);
  if (inner.kind() == Kind::interface) fail(concat("nil pointer evaluating ", receiver.type->name, '.', name));
  if (count_parameters(inner, name)) return method(dot, inner, name, node, command, final);
  const bool has_arguments = count_arguments(command) > 0 || final != nullptr;
  if (inner.kind() == Kind::structure) {
    const Value* found = field_of(inner, name);
    if (found == nullptr) found = field_by_other_name(inner, name);
    if (found == nullptr) return missing_field(receiver, inner, name);
    if (has_arguments) fail(concat(name, " has arguments but cannot be invoked as function"));
    return *found;
  }
  if (inner.kind() == Kind::map && inner.type->key->kind == Kind::string) {
    if (has_arguments) fail(concat(name, " is not a method but has arguments"));
    const Value* found = entry_of(inner, Value{inner.type->key, name});
    return found == nullptr ? Value{} : *found;
  }
  return missing_field(receiver, inner, name);
}

Value Run::method(const Value& dot, const Value& receiver, const std::string& name, const Node& node,
                  const Node* command, Final final) {
  const std::size_t wanted = *count_parameters(receiver, name);
  const std::size_t given = count_arguments(command) + (final != nullptr ? 1 : 0);
  if (given != wanted) fail(concat("wrong number of args for ", name, ": want ", wanted, " got ", given));
  Values arguments;
  for (std::size_t child = 1; child <= count_arguments(command); ++child)
    arguments.push_back(argument(dot, *command->children[child], Parameter::text));
  if (final != nullptr) arguments.push_back(checked(*final, Parameter::text));
  at(node);
  return call_method(receiver, name, arguments);
}

Value Run::missing_field(const Value& original, const Value& receiver, const std::string& name) {
  if (receiver.kind() == Kind::pointer) {
    const Type& target = *receiver.type->element;
    if (target.kind != Kind::structure || type_has_field(target, name))
      fail(concat("nil pointer evaluating ", original.type->name, '.', name));
  }
  fail(concat("can't evaluate field ", name, " in type ", original.type->name));
}

void Run::check_arguments(const Function& function, std::size_t given, bool has_final) {
  const std::size_t all = given + (has_final ? 1 : 0);
  const std::size_t wanted = function.count();
  if (function.takes_more && all + 1 < wanted)
    fail(concat("wrong number of args for ", function.name, ": want at least ", wanted - 1, " got ", given));
  if (!function.takes_more && all != wanted)
    fail(concat("wrong number of args for ", function.name, ": want ", wanted, " got ", all));
}

Value Run::function(const Value& dot, const Node& node, const Node* command, Final final) {
  at(node);
  const Function& called = *find_function(node.text);
  if (called.call == nullptr) return short_circuit(dot, node, command, final);
  const std::size_t given = count_arguments(command);
  check_arguments(called, given, final != nullptr);
  Values arguments;
  const auto wanted = [&] { return called.parameters[std::min(arguments.size(), called.count() - 1)]; };
  for (std::size_t child = 1; child <= given; ++child)
    arguments.push_back(argument(dot, *command->children[child], wanted()));
  if (final != nullptr) arguments.push_back(checked(*final, wanted()));
  try {
    Value result = called.call(arguments);
    if (result.kind() == Kind::string) take_text(result.text().size());
    if (result.kind() == Kind::list) take_text(result.elements().size() * sizeof(Value));
    return result;
  } catch (const base::Error& error) {
    if (error.message().starts_with("template: ")) throw;  // a limit, said already
    at(command == nullptr ? node : *command);
    fail(concat("error calling ", node.text, ": ", error.message()));
  }
}

/// `and` and `or`: the first argument that decides, or the last one.
Value Run::short_circuit(const Value& dot, const Node& node, const Node* command, Final final) {
  const std::size_t given = count_arguments(command);
  if (given == 0 && final == nullptr) fail(concat("wrong number of args for ", node.text, ": want at least 1 got 0"));
  Value value;
  for (std::size_t child = 1; child <= given; ++child) {
    value = argument(dot, *command->children[child], Parameter::value);
    if (is_true(open_interface(value)) == (node.text == "or")) return value;
  }
  return final != nullptr ? *final : value;
}

Value Run::argument(const Value& dot, const Node& node, Parameter wanted) {
  at(node);
  switch (node.kind) {
    case NodeKind::nil:
      if (wanted == Parameter::text || wanted == Parameter::integer)
        fail(concat("cannot assign nil to ", name_of(wanted)));
      return wanted == Parameter::texts ? Value{string_list_type(), {}} : Value{};
    case NodeKind::boolean:
    case NodeKind::number:
    case NodeKind::string:
      return literal_argument(node, wanted);
    default:
      return checked(operand(dot, node), wanted);
  }
}

Value Run::literal_argument(const Node& node, Parameter wanted) {
  switch (wanted) {
    case Parameter::text:
      if (node.kind != NodeKind::string) fail(concat("expected string; found ", source_of(node)));
      return make_text(node.value);
    case Parameter::integer:
      if (node.kind != NodeKind::number || !node.number.integer)
        fail(concat("expected integer; found ", source_of(node)));
      return make_int(*node.number.integer);
    case Parameter::texts:
      fail(concat("can't handle ", source_of(node), " for arg of type []string"));
    default:
      return operand({}, node);
  }
}

/// `value` as what a function wants.
Value Run::checked(const Value& value, Parameter wanted) {
  if (wanted == Parameter::value || wanted == Parameter::any) return value;
  if (!value.exists()) {
    if (wanted == Parameter::texts) return {string_list_type(), {}};
    fail(concat("invalid value; expected ", name_of(wanted)));
  }
  if (is_named_type(value, wanted)) return value;
  const Value inner = open_interface(value);
  if (is_named_type(inner, wanted)) return inner;
  if (inner.kind() == Kind::pointer && inner.type->element->name == name_of(wanted)) {
    if (inner.is_nil()) fail(concat("dereference of nil pointer of type ", name_of(wanted)));
    return inner.target();
  }
  fail(concat("wrong type for value; expected ", name_of(wanted), "; got ",
              (inner.exists() ? inner : value).type->name));
}

Value Run::variable(const std::string& name) {
  for (auto at = variables_.rbegin(); at != variables_.rend(); ++at)
    if (at->first == name) return at->second;
  fail(concat("undefined variable: ", name));
}

void Run::set_variable(const std::string& name, const Value& value) {
  for (auto at = variables_.rbegin(); at != variables_.rend(); ++at) {
    if (at->first != name) continue;
    at->second = value;
    return;
  }
  fail(concat("undefined variable: ", name));
}

}  // namespace engine::templates
