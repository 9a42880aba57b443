// Properties of a scope from annotations: the one place where a text decides the type of a D-Bus value.
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/systemd_properties.hpp"

namespace runtime {
namespace {

constexpr std::string_view prefix = "org.systemd.property.";
constexpr std::size_t max_value_bytes = 4096;
constexpr std::size_t max_elements = 256;
constexpr std::size_t min_name_bytes = 3;
constexpr std::uint64_t microseconds_per_second = 1'000'000;

// Reads one value in the text form of GVariant (glib's "GVariant Text Format"), of the types that properties have.
class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : rest_(text) {}

  std::optional<DbusValue> whole() {
    if (rest_.size() > max_value_bytes) return std::nullopt;
    auto result = value(type());
    skip_blanks();
    return rest_.empty() ? result : std::nullopt;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool accept(char byte) {
    skip_blanks();
    if (!rest_.starts_with(byte)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view expected) {
    skip_blanks();
    const std::size_t end = std::min(rest_.find_first_of(" \t,]"), rest_.size());
    if (rest_.substr(0, end) != expected) return false;
    rest_.remove_prefix(end);
    return true;
  }

  // "uint64" or "@t" in front of a value; empty: what it looks like.
  std::string_view type() {
    struct Name {
      std::string_view word, signature;
    };
    static constexpr Name names[] = {{"boolean", "b"}, {"int32", "i"},  {"uint32", "u"}, {"int64", "x"},
                                     {"uint64", "t"},  {"double", "d"}, {"string", "s"}, {"@b", "b"},
                                     {"@i", "i"},      {"@u", "u"},     {"@x", "x"},     {"@t", "t"},
                                     {"@d", "d"},      {"@s", "s"},     {"@as", "as"},   {"@au", "au"}};
    for (const Name& name : names) {
      if (accept_word(name.word)) return name.signature;
    }
    return {};
  }

  std::optional<DbusValue> value(std::string_view type) {
    skip_blanks();
    if (rest_.starts_with('[')) return type.empty() || type.starts_with('a') ? array(type) : std::nullopt;
    if (rest_.starts_with('\'') || rest_.starts_with('"')) return is(type, "s") ? text() : std::nullopt;
    if (is(type, "b")) {
      if (accept_word("true")) return true;
      if (accept_word("false")) return false;
      if (!type.empty()) return std::nullopt;
    }
    if (!type.empty()) return number(type);
    const std::string_view before = rest_;
    if (auto whole_number = number("i")) return whole_number;
    rest_ = before;
    return number("d");
  }
  static bool is(std::string_view type, std::string_view wanted) { return type.empty() || type == wanted; }

  std::optional<DbusValue> text() {
    const char quote = rest_[0];
    std::string result;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        rest_.remove_prefix(at + 1);
        return result;
      }
      if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;
      if (static_cast<unsigned char>(rest_[at]) < ' ') return std::nullopt;
      result.push_back(rest_[at]);
    }
    return std::nullopt;
  }

  template <class Number>
  static std::optional<DbusValue> fitting(const auto& number) {
    if (!number || !std::in_range<Number>(*number)) return std::nullopt;
    return DbusValue{static_cast<Number>(*number)};
  }

  std::optional<DbusValue> number(std::string_view type) {
    const std::size_t end = std::min(rest_.find_first_of(" \t,]"), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (type == "i") return fitting<std::int32_t>(base::parse_signed(word));
    if (type == "u") return fitting<std::uint32_t>(base::parse_unsigned(word));
    if (type == "x") return fitting<std::int64_t>(base::parse_signed(word));
    if (type == "t") return fitting<std::uint64_t>(base::parse_unsigned(word));
    if (type != "d") return std::nullopt;
    double result = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), result);
    if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return std::nullopt;
    return result;
  }

  // Of texts or unsigned numbers. The first element's type counts for all.
  std::optional<DbusValue> array(std::string_view type) {
    std::vector<std::string> texts;
    std::vector<std::uint32_t> numbers;
    accept('[');
    std::string_view element_type = type.empty() ? type : type.substr(1);
    if (!accept(']')) {
      do {
        if (const std::string_view own = this->type(); !own.empty()) element_type = own;
        const auto element = value(element_type);
        if (!element || texts.size() + numbers.size() == max_elements) return std::nullopt;
        if (const auto* text = std::get_if<std::string>(&*element))
          texts.push_back(*text);
        else if (const auto* number = std::get_if<std::uint32_t>(&*element))
          numbers.push_back(*number);
        else
          return std::nullopt;
      } while (accept(','));
      if (!accept(']')) return std::nullopt;
    } else if (type.empty()) {
      return std::nullopt;
    }
    if (!texts.empty() && !numbers.empty()) return std::nullopt;
    if (!numbers.empty() || type == "au") return numbers;
    return texts;
  }

  std::string_view rest_;
};

bool is_name(std::string_view name) {
  if (name.size() < min_name_bytes) return false;
  for (const char byte : name) {
    if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))) return false;
  }
  return true;
}

// Seconds of any number's type to microseconds.
std::optional<DbusValue> to_microseconds(const DbusValue& seconds) {
  constexpr double max_seconds = 1e13;  // what 64 bits of microseconds hold, rounded down
  return std::visit(
      [](const auto& value) -> std::optional<DbusValue> {
        using Type = std::decay_t<decltype(value)>;
        if constexpr (std::is_arithmetic_v<Type> && !std::is_same_v<Type, bool>) {
          // Written so that "not a number" fails it.
          if (!(static_cast<double>(value) >= 0 && static_cast<double>(value) < max_seconds)) return std::nullopt;
          if constexpr (std::is_floating_point_v<Type>) {
            return static_cast<std::uint64_t>(value * static_cast<double>(microseconds_per_second));
          } else {
            return static_cast<std::uint64_t>(value) * microseconds_per_second;
          }
        }
        return std::nullopt;
      },
      seconds);
}

// "TimeoutStopSec" is what unit files have; on the bus it is "TimeoutStopUSec".
bool is_in_seconds(std::string_view name) {
  return name.ends_with("Sec") && name.size() > 3 && name[name.size() - 4] >= 'a' && name[name.size() - 4] <= 'z';
}

}  // namespace

std::vector<DbusProperty> properties_of_annotations(
    const std::vector<std::pair<std::string, std::string>>& annotations) {
  std::vector<DbusProperty> properties;
  for (const auto& [key, text] : annotations) {
    if (!key.starts_with(prefix)) continue;
    std::string name = key.substr(prefix.size());
    std::optional<DbusValue> value = is_name(name) ? ValueReader{text}.whole() : std::nullopt;
    if (value && is_in_seconds(name)) {
      name.replace(name.size() - 3, 3, "USec");
      value = to_microseconds(*value);
    }
    if (!value) {
      throw base::make_error(base::ErrorKind::invalid_argument, "annotation ", base::quoted(key), ": ",
                             base::quoted(text), " is no value that a property can have");
    }
    properties.push_back({std::move(name), std::move(*value)});
  }
  return properties;
}

}  // namespace runtime
