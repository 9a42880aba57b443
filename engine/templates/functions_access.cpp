#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/functions.hpp"

namespace engine::templates {
namespace {

template <class... Parts>
base::Error bad(const Parts&... what) {
  return base::make_error(base::ErrorKind::invalid_argument, what...);
}

/// A place in something of `length` elements; `length` itself is allowed, as with Go.
std::size_t place_of(const Value& argument, std::size_t length) {
  const Value index = open_interface(argument);
  std::int64_t place = 0;
  if (index.kind() == Kind::integer) {
    place = index.integer();
  } else if (index.kind() == Kind::unsigned_integer) {
    place = static_cast<std::int64_t>(index.unsigned_integer());
  } else if (!index.exists()) {
    throw bad("cannot index slice/array with nil");
  } else {
    throw bad("cannot index slice/array with type ", index.type->name);
  }
  if (place < 0 || static_cast<std::uint64_t>(place) > length) throw bad("index out of range: ", place);
  return static_cast<std::size_t>(place);
}

/// `key` as a key of `map`; numbers fit any type of number that can hold them.
Value as_key(const Value& map, const Value& argument) {
  Value key = open_interface(argument);
  const Type& wanted = *map.type->key;
  if (!key.exists()) throw bad("value is nil; should be of type ", wanted.name);
  if (wanted.kind == Kind::unsigned_integer && key.kind() == Kind::integer)
    return {&wanted, static_cast<std::uint64_t>(key.integer())};
  if (wanted.kind == Kind::integer && key.kind() == Kind::integer) return {&wanted, key.integer()};
  if (wanted.name != key.type->name) throw bad("value has type ", key.type->name, "; should be ", wanted.name);
  return key;
}

Value element_of(const Value& item, const Value& index) {
  if (item.kind() == Kind::map) {
    const Value* found = entry_of(item, as_key(item, index));
    return found != nullptr ? *found : zero_of(item.type->element);
  }
  const auto length = length_of(item);
  if (!length) throw bad("can't index item of type ", item.type->name);
  const std::size_t place = place_of(index, *length);
  if (place == *length) {
    const bool is_text = item.kind() == Kind::string;
    throw bad("reflect: ", is_text ? "string" : "slice", " index out of range");
  }
  if (item.kind() == Kind::list) return item.elements()[place];
  return {byte_type(), std::uint64_t{static_cast<unsigned char>(item.text()[place])}};
}

}  // namespace

Value index_of(const Values& arguments) {
  Value item = open_interface(arguments[0]);
  if (!item.exists()) throw bad("index of untyped nil");
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    const Value inner = follow(item);
    if (inner.kind() == Kind::pointer || inner.kind() == Kind::interface) throw bad("index of nil pointer");
    item = element_of(inner, arguments[at]);
  }
  return item;
}

Value slice_of(const Values& arguments) {
  const Value item = open_interface(arguments[0]);
  if (!item.exists()) throw bad("slice of untyped nil");
  if (arguments.size() > 4) throw bad("too many slice indexes: ", arguments.size() - 1);
  if (item.kind() != Kind::list && item.kind() != Kind::string) throw bad("can't slice item of type ", item.type->name);
  if (item.kind() == Kind::string && arguments.size() == 4) throw bad("cannot 3-index slice a string");
  const std::size_t length = *length_of(item);
  std::size_t bounds[] = {0, length, length};
  for (std::size_t at = 1; at < arguments.size(); ++at) bounds[at - 1] = place_of(arguments[at], length);
  if (bounds[0] > bounds[1]) throw bad("invalid slice index: ", bounds[0], " > ", bounds[1]);
  if (bounds[1] > bounds[2]) throw bad("invalid slice index: ", bounds[1], " > ", bounds[2]);
  if (item.kind() == Kind::string) return {item.type, item.text().substr(bounds[0], bounds[1] - bounds[0])};
  const auto begin = item.elements().begin();
  return make_list(item.type,
                   {begin + static_cast<std::ptrdiff_t>(bounds[0]), begin + static_cast<std::ptrdiff_t>(bounds[1])});
}

Value count_of(const Values& arguments) {
  if (!arguments[0].exists()) throw bad("reflect: call of reflect.Value.Type on zero Value");
  const Value& item = follow(arguments[0]);
  if (item.kind() == Kind::pointer || item.kind() == Kind::interface) throw bad("len of nil pointer");
  const auto length = length_of(item);
  if (!length) throw bad("len of type ", item.type->name);
  return make_int(static_cast<std::int64_t>(*length));
}

}  // namespace engine::templates
