#include "cmd/format.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/error.hpp"
#include "base/text.hpp"

namespace cmd {

void declare_format_option(OptionTable& table, std::string& format) {
  table.text("format", 'f', "FORMAT", format, "json, or a Go template: {{.Name}}");
}

void declare_plain_format_option(OptionTable& table, std::string& format) {
  table.text("format", 'f', "FORMAT", format, "json, or table for people").defaults_to("table");
}

Format parse_format(const std::string& format) {
  if (format.empty() || format == "table") return Format::people;
  if (format == "json") return Format::json;
  throw base::make_error(base::ErrorKind::unsupported, "--format ", base::quoted(format),
                         ": this command has no template")
      .with_hint("use --format json");
}

std::string shown_id(const std::string& id, bool whole) {
  return whole ? id : id.substr(0, 12);
}

std::string image_size(std::uint64_t bytes) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1000.0 && unit + 1 < units.size(); ++unit) size /= 1000.0;
  std::array<char, 32> text{};
  // 999.6 would be "1e+03" with three digits
  const char* format = size >= 999.5 ? "%.4g %s" : "%.3g %s";
  std::snprintf(text.data(), text.size(), format, size, units[unit]);
  return text.data();
}

std::string time_ago(base::Time time) {
  const auto passed = std::chrono::duration_cast<std::chrono::seconds>(base::now() - time);
  return base::concat(base::human_duration(std::max(passed, std::chrono::seconds{0})), " ago");
}

std::int64_t unix_seconds(base::Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

namespace {

class Indenter {
 public:
  explicit Indenter(std::size_t blanks) : blanks_(blanks) {}

  std::string run(std::string_view json) {
    for (std::size_t at = 0; at < json.size(); ++at) {
      if (json[at] == '"') {
        const std::size_t end = end_of_string(json, at);
        put(json.substr(at, end - at));
        at = end - 1;
      } else {
        take(json[at]);
      }
    }
    return std::move(out_);
  }

 private:
  static std::size_t end_of_string(std::string_view json, std::size_t start) {
    std::size_t at = start + 1;
    while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
    return std::min(at + 1, json.size());
  }

  void take(char byte) {
    switch (byte) {
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        return;
      case '{':
      case '[':
        put({&byte, 1});
        ++depth_;
        is_empty_ = true;
        return;
      case '}':
      case ']':
        --depth_;
        if (!is_empty_) new_line();
        is_empty_ = false;
        out_ += byte;
        return;
      case ',':
        out_ += byte;
        new_line();
        return;
      case ':':
        out_ += ": ";
        return;
      default:
        put({&byte, 1});
    }
  }

  void put(std::string_view text) {
    if (is_empty_) new_line();
    is_empty_ = false;
    out_ += text;
  }

  void new_line() {
    out_ += '\n';
    out_.append(depth_ * blanks_, ' ');
  }

  std::string out_;
  std::size_t blanks_;
  std::size_t depth_ = 0;
  bool is_empty_ = false;  ///< A bracket was opened and nothing stands in it yet.
};

}  // namespace

std::string indented_json(std::string_view json, std::size_t blanks) {
  return Indenter{blanks}.run(json);
}

}  // namespace cmd
