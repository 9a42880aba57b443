#include <array>

#include "engine/templates/functions.hpp"
#include "engine/templates/moment.hpp"

namespace engine::templates {
namespace {

struct Method {
  Look look;
  std::string_view name;
  std::size_t parameters;
  Value (*call)(const Value& receiver, const Values& arguments);
};

Value make_int64(std::int64_t number) {
  static Types types;
  return {types.find("int64"), number};
}

Value share_of(const Value& duration, double unit) {
  return make_float(static_cast<double>(duration.integer()) / unit);
}

constexpr std::array methods = {
    Method{Look::time, "String", 0, [](const Value& at, const Values&) { return make_text(moment_text(at.moment())); }},
    Method{Look::time, "IsZero", 0, [](const Value& at, const Values&) { return make_bool(at.moment() == Moment{}); }},
    Method{Look::time, "UTC", 0,
           [](const Value& at, const Values&) {
             return Value{at.type, Moment{at.moment().seconds, at.moment().nanoseconds, 0}};
           }},
    Method{Look::time, "Unix", 0, [](const Value& at, const Values&) { return make_int64(at.moment().seconds); }},
    Method{Look::time, "UnixNano", 0,
           [](const Value& at, const Values&) {
             // as Go: what does not fit wraps around
             const auto seconds = static_cast<std::uint64_t>(at.moment().seconds);
             return make_int64(static_cast<std::int64_t>(seconds * 1'000'000'000 + at.moment().nanoseconds));
           }},
    Method{Look::time, "Format", 1,
           [](const Value& at, const Values& arguments) {
             return make_text(format_moment(at.moment(), arguments[0].text()));
           }},
    Method{Look::duration, "String", 0,
           [](const Value& at, const Values&) { return make_text(duration_text(at.integer())); }},
    Method{Look::duration, "Seconds", 0, [](const Value& at, const Values&) { return share_of(at, 1e9); }},
    Method{Look::duration, "Minutes", 0, [](const Value& at, const Values&) { return share_of(at, 60e9); }},
    Method{Look::duration, "Hours", 0, [](const Value& at, const Values&) { return share_of(at, 3600e9); }},
};

const Method* find_method(const Value& receiver, std::string_view name) {
  if (!receiver.exists()) return nullptr;
  for (const Method& method : methods)
    if (method.look == receiver.type->look && method.name == name) return &method;
  return nullptr;
}

/// The map behind `.Label "name"`.
const Value* find_labels(const Value& receiver, std::string_view name) {
  if (name != "Label" || receiver.kind() != Kind::structure) return nullptr;
  const Value* found = field_of(receiver, name);
  return found != nullptr && found->kind() == Kind::map ? found : nullptr;
}

}  // namespace

std::optional<std::size_t> count_parameters(const Value& receiver, std::string_view name) {
  if (const Method* method = find_method(receiver, name)) return method->parameters;
  return find_labels(receiver, name) != nullptr ? std::optional<std::size_t>{1} : std::nullopt;
}

Value call_method(const Value& receiver, std::string_view name, const Values& arguments) {
  if (const Method* method = find_method(receiver, name)) return method->call(receiver, arguments);
  const Value* found = entry_of(*find_labels(receiver, name), arguments[0]);
  return found == nullptr ? make_text("") : *found;
}

}  // namespace engine::templates
