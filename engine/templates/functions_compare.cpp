#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/functions.hpp"
#include "engine/templates/print.hpp"

namespace engine::templates {
namespace {

base::Error bad(std::string_view what) {
  return base::make_error(base::ErrorKind::invalid_argument, what);
}

bool is_basic(Kind kind) {
  return kind >= Kind::boolean && kind <= Kind::string;
}

/// Whether an int and an unsigned number are the same.
bool same(std::int64_t left, std::uint64_t right) {
  return left >= 0 && static_cast<std::uint64_t>(left) == right;
}

bool less(std::int64_t left, std::uint64_t right) {
  return left < 0 || static_cast<std::uint64_t>(left) < right;
}

bool same_basic(const Value& left, const Value& right) {
  return left.data == right.data;
}

bool can_be_nil(Kind kind) {
  return kind == Kind::list || kind == Kind::map || kind == Kind::pointer || kind == Kind::interface;
}

bool is_nothing(const Value& value) {
  return !value.exists() || (can_be_nil(value.kind()) && value.is_nil());
}

bool same_other(const Value& left, const Value& right) {
  if (left.exists() && right.exists() && left.kind() != right.kind())
    throw bad(base::concat("non-comparable types ", print_formatted("%s", {left}), ": ", left.type->name, ", ",
                           right.type->name, ": ", print_values({right})));
  if (is_nothing(left) || is_nothing(right)) return is_nothing(left) == is_nothing(right);
  if (right.kind() == Kind::list || right.kind() == Kind::map)
    throw bad(base::concat("non-comparable type ", print_formatted("%s", {right}), ": ", right.type->name));
  return left.type->name == right.type->name && print_values({left}) == print_values({right});
}

bool same_values(const Value& left, const Value& right) {
  const Kind one = left.kind(), other = right.kind();
  if (one == Kind::integer && other == Kind::unsigned_integer) return same(left.integer(), right.unsigned_integer());
  if (one == Kind::unsigned_integer && other == Kind::integer) return same(right.integer(), left.unsigned_integer());
  if (!is_basic(one) && !is_basic(other)) return same_other(left, right);
  if (one == other) return same_basic(left, right);
  if (left.exists() && right.exists()) throw bad("incompatible types for comparison");
  return false;
}

bool is_less(const Value& one, const Value& other) {
  const Value left = open_interface(one), right = open_interface(other);
  const Kind kind = left.kind();
  if (!is_basic(kind) || !is_basic(right.kind())) throw bad("invalid type for comparison");
  if (kind == Kind::integer && right.kind() == Kind::unsigned_integer)
    return less(left.integer(), right.unsigned_integer());
  if (kind == Kind::unsigned_integer && right.kind() == Kind::integer)
    return right.integer() >= 0 && left.unsigned_integer() < static_cast<std::uint64_t>(right.integer());
  if (kind != right.kind()) throw bad("incompatible types for comparison");
  if (kind == Kind::boolean) throw bad("invalid type for comparison");
  return left.data < right.data;
}

bool is_equal(const Values& arguments) {
  if (arguments.size() < 2) throw bad("missing argument for comparison");
  const Value left = open_interface(arguments[0]);
  for (std::size_t at = 1; at < arguments.size(); ++at)
    if (same_values(left, open_interface(arguments[at]))) return true;
  return false;
}

}  // namespace

Value compare_equal(const Values& arguments) {
  return make_bool(is_equal(arguments));
}
Value compare_unequal(const Values& arguments) {
  return make_bool(!is_equal(arguments));
}
Value compare_less(const Values& arguments) {
  return make_bool(is_less(arguments[0], arguments[1]));
}
Value compare_less_or_equal(const Values& arguments) {
  return make_bool(is_less(arguments[0], arguments[1]) || is_equal(arguments));
}
Value compare_greater(const Values& arguments) {
  return make_bool(!compare_less_or_equal(arguments).boolean());
}
Value compare_greater_or_equal(const Values& arguments) {
  return make_bool(!is_less(arguments[0], arguments[1]));
}

}  // namespace engine::templates
