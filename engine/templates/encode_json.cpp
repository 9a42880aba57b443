#include "engine/templates/encode_json.hpp"

#include <map>

#include "base/text.hpp"
#include "engine/templates/moment.hpp"
#include "engine/templates/print.hpp"
#include "engine/templates/print_flags.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const Character character = first_character(text);
    const char32_t code = character.code;
    text.remove_prefix(character.bytes);
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n' || code == '\r' || code == '\t') {
      out += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    } else if (code < ' ') {
      out += base::concat("\\u00", digits[code >> 4U], digits[code & 15U]);
    } else if (code == 0x2028 || code == 0x2029) {
      out += base::concat("\\u202", code == 0x2028 ? '8' : '9');
    } else if (character.bytes == 1 && code == 0xfffd) {
      out += "\\ufffd";
    } else {
      append_character(out, code);
    }
  }
  return out + '"';
}

bool is_empty(const Value& value) {
  if (value.kind() == Kind::structure) return false;
  return !is_true(value);
}

class Encoder {
 public:
  explicit Encoder(std::string_view indent) : indent_(indent) {}

  void add(const Value& value) {
    switch (value.kind()) {
      case Kind::nothing:
        out_ += "null";
        return;
      case Kind::boolean:
        out_ += value.boolean() ? "true" : "false";
        return;
      case Kind::integer:
        out_ += base::concat(value.integer());
        return;
      case Kind::unsigned_integer:
        out_ += base::concat(value.unsigned_integer());
        return;
      case Kind::floating:
        return add_number(value.floating());
      case Kind::string:
        out_ += escaped(value.text());
        return;
      case Kind::structure:
        if (value.type->look == Look::time) {
          out_ += escaped(moment_rfc3339(value.moment()));
          return;
        }
        begin('{');
        add_fields(value);
        return end('}');
      default:
        if (value.is_nil()) {
          out_ += "null";
        } else {
          add_holder(value);
        }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void add_number(double number) {
    std::string text = shortest_floating(number, 21);
    // Go writes 1e-7 where others write 1e-07
    if (const std::size_t at = text.find("e-0"); at != std::string::npos) text.erase(at + 2, 1);
    out_ += text;
  }

  void add_holder(const Value& value) {
    if (value.kind() == Kind::list) {
      begin('[');
      for (const Value& element : value.elements()) {
        separate();
        add(element);
      }
      end(']');
    } else if (value.kind() == Kind::map) {
      begin('{');
      std::map<std::string, const Value*> sorted;  // numbers, too, are sorted as text
      for (const auto& [key, entry] : value.entries()) sorted.emplace(print_values({key}), &entry);
      for (const auto& [key, entry] : sorted) {
        add_key(key);
        add(*entry);
      }
      end('}');
    } else {
      add(value.target());
    }
  }

  void add_fields(const Value& value) {
    const Values& fields = value.elements();
    for (std::size_t at = 0; at < fields.size(); ++at) {
      const Field& field = value.type->fields[at];
      if (field.embedded) {
        const Value& inner = follow(fields[at]);
        if (inner.kind() == Kind::structure) add_fields(inner);
      } else if (!field.json_name.empty() && !(field.omit_empty && is_empty(fields[at]))) {
        add_key(field.json_name);
        add(fields[at]);
      }
    }
  }

  void begin(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void end(char bracket) {
    --depth_;
    if (!first_) new_line();
    first_ = false;
    out_ += bracket;
  }
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
    new_line();
  }
  void new_line() {
    if (indent_.empty()) return;
    out_ += '\n';
    for (unsigned level = 0; level < depth_; ++level) out_ += indent_;
  }
  void add_key(std::string_view name) {
    separate();
    out_ += escaped(name);
    out_ += indent_.empty() ? ":" : ": ";
  }

  std::string_view indent_;
  unsigned depth_ = 0;
  bool first_ = true;
  std::string out_;
};

}  // namespace

std::string encode_json(const Value& value, std::string_view indent) {
  Encoder encoder{indent};
  encoder.add(value);
  return encoder.take();
}

}  // namespace engine::templates
