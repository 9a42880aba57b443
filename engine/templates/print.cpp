#include "engine/templates/print.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/templates/moment.hpp"
#include "engine/templates/print_flags.hpp"
#include "engine/templates/print_value.hpp"

namespace engine::templates {
namespace {

constexpr int most_width = 1'000'000;  // as Go

/// Reads a format and prints the values that its verbs ask for.
class FormatReader {
 public:
  FormatReader(std::string_view format, const Values& values) : format_(format), values_(values) {}

  std::string run() {
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) read_verb();
    }
    if (!reordered_ && next_ < values_.size()) add_extra();
    return std::move(out_);
  }

 private:
  bool accept(char byte) {
    if (at_ >= format_.size() || format_[at_] != byte) return false;
    ++at_;
    return true;
  }

  void read_flags() {
    for (;; ++at_) {
      const char flag = at_ < format_.size() ? format_[at_] : 0;
      if (flag == '#') {
        flags_.sharp = true;
      } else if (flag == '0') {
        flags_.zero = !flags_.minus;
      } else if (flag == '+') {
        flags_.plus = true;
      } else if (flag == '-') {
        flags_.minus = true;
        flags_.zero = false;
      } else if (flag == ' ') {
        flags_.space = true;
      } else {
        return;
      }
    }
  }

  std::optional<int> read_number() {
    const std::size_t start = at_;
    int number = 0;
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      number = number * 10 + (format_[at_] - '0');
      if (number > most_width) return std::nullopt;
    }
    return at_ > start ? std::optional{number} : std::nullopt;
  }

  /// "[3]": the third value is next.
  void read_index() {
    if (at_ >= format_.size() || format_[at_] != '[') return;
    reordered_ = true;
    const std::size_t end = format_.find(']', at_);
    if (end == std::string_view::npos) {
      good_index_ = false;
      ++at_;
      return;
    }
    const auto number = base::parse_unsigned(format_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    good_index_ = number && *number >= 1 && *number <= values_.size();
    if (good_index_) next_ = static_cast<std::size_t>(*number) - 1;
    after_index_ = true;
  }

  /// The value of a '*'; nothing when it is no int of a good size.
  std::optional<int> take_int() {
    if (next_ >= values_.size()) return std::nullopt;
    const Value value = open_interface(values_[next_++]);
    if (value.kind() != Kind::integer || value.integer() > most_width || value.integer() < -most_width)
      return std::nullopt;
    return static_cast<int>(value.integer());
  }

  void read_width() {
    read_index();
    if (accept('*')) {
      flags_.width = take_int();
      if (!flags_.width) out_ += "%!(BADWIDTH)";
      if (flags_.width && *flags_.width < 0) {
        flags_.width = -*flags_.width;
        flags_.minus = true;
        flags_.zero = false;
      }
      after_index_ = false;
      return;
    }
    flags_.width = read_number();
    if (after_index_ && flags_.width) good_index_ = false;
  }

  void read_precision() {
    if (at_ + 1 > format_.size() || !accept('.')) return;
    if (after_index_) good_index_ = false;
    read_index();
    if (accept('*')) {
      flags_.precision = take_int();
      if (flags_.precision && *flags_.precision < 0) flags_.precision.reset();
      if (!flags_.precision) out_ += "%!(BADPREC)";
      after_index_ = false;
      return;
    }
    flags_.precision = read_number().value_or(0);
  }

  void read_verb() {
    flags_ = {};
    good_index_ = true;
    after_index_ = false;
    read_flags();
    read_width();
    read_precision();
    if (!after_index_) read_index();
    if (at_ >= format_.size()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Character verb = first_character(format_.substr(at_));
    const std::string_view letter = format_.substr(at_, verb.bytes);
    at_ += verb.bytes;
    if (letter == "%") {
      out_ += '%';
    } else if (!good_index_) {
      out_ += base::concat("%!", letter, "(BADINDEX)");
    } else if (next_ >= values_.size()) {
      out_ += base::concat("%!", letter, "(MISSING)");
    } else {
      ValuePrinter{out_, flags_}.print(values_[next_++], verb.code);
    }
  }

  void add_extra() {
    out_ += "%!(EXTRA ";
    for (std::size_t at = next_; at < values_.size(); ++at) {
      if (at > next_) out_ += ", ";
      const Value value = open_interface(values_[at]);
      if (!value.exists()) {
        out_ += "<nil>";
        continue;
      }
      out_ += value.type->name + "=";
      ValuePrinter{out_, {}}.print(value, 'v');
    }
    out_ += ')';
  }

  std::string_view format_;
  const Values& values_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool reordered_ = false;
  bool good_index_ = true;
  bool after_index_ = false;
  PrintFlags flags_;
  std::string out_;
};

}  // namespace

std::string shown(const Value& value) {
  const Value& at = value.kind() == Kind::pointer ? follow(value) : value;
  if (!at.exists()) return "<no value>";
  std::string out;
  ValuePrinter{out, {}}.print(at, 'v');
  return out;
}

std::string print_values(const Values& values) {
  std::string out;
  bool text_before = true;
  for (std::size_t at = 0; at < values.size(); ++at) {
    const Value value = open_interface(values[at]);
    const bool is_text = value.kind() == Kind::string;
    if (at > 0 && !is_text && !text_before) out += ' ';
    ValuePrinter{out, {}}.print(value, 'v');
    text_before = is_text;
  }
  return out;
}

std::string print_line(const Values& values) {
  std::string out;
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (at > 0) out += ' ';
    ValuePrinter{out, {}}.print(values[at], 'v');
  }
  return out + '\n';
}

std::string print_formatted(std::string_view format, const Values& values) {
  return FormatReader{format, values}.run();
}

}  // namespace engine::templates
