#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Go's types, as far as templates can tell them apart: by what may be asked of a value, and by how it is printed.

namespace engine::templates {

enum class Kind {
  nothing,
  boolean,
  integer,
  unsigned_integer,
  floating,
  string,
  list,
  map,
  structure,
  pointer,
  interface
};

/// How a value is printed when its kind does not say it: types with a String method, and times.
enum class Look { plain, time, duration };

struct Type;

struct Field {
  std::string name;       ///< As templates write it.
  const Type* type;       ///< Never null.
  std::string json_name;  ///< Empty: not in JSON.
  bool omit_empty = false;
  bool embedded = false;  ///< Its fields can be asked for as if they were this struct's own.
  bool method = false;    ///< Computed: can be asked for, but is not part of the printed value.
  std::string source;     ///< Of a method: the JSON key that it is read from.
};

struct Type {
  Kind kind = Kind::nothing;
  std::string name;               ///< As Go prints it: "[]string", "*define.InspectMount".
  const Type* element = nullptr;  ///< Of lists, maps, pointers.
  const Type* key = nullptr;      ///< Of maps: text or a number.
  std::vector<Field> fields;      ///< Of structs, in Go's order.
  Look look = Look::plain;
};

/// Types by their Go names. Pointers to them are good as long as the table lives; those of basic types for ever.
class Types {
 public:
  /// What Go calls "string", "[]*T", "map[string]T", "any", "time.Time" …; a struct must have been declared, or be
  /// declared later. @throws Error internal for a name that is none.
  const Type* find(std::string_view name);

  /// Declares structs. One per paragraph: a line with its name, then one line per field, indented:
  ///   define.InspectMount
  ///     Type string
  ///     SubPath string SubPath,omitempty
  ///     entities.ListContainer embedded
  ///     ID string method
  ///     Label map[string]string method Labels
  /// A method is read from the JSON name behind it, else from its own with "()". Elsewhere the third word is the JSON
  /// name where it differs, `-` when it has none.
  void declare(std::string_view text);

 private:
  Type* slot(std::string_view name);
  void declare_field(Type& type, std::string_view line);
  std::map<std::string, std::unique_ptr<Type>, std::less<>> types_;
};

/// The types of literals and of what functions return.
const Type* bool_type();
const Type* int_type();
const Type* float_type();
const Type* string_type();
const Type* any_type();
const Type* string_list_type();
const Type* any_list_type();
const Type* any_map_type();
const Type* byte_type();

}  // namespace engine::templates
