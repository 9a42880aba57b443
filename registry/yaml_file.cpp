#include "registry/yaml_file.hpp"

#include <algorithm>
#include <memory>
#include <yaml.h>

#include "base/text.hpp"

namespace registry {

namespace {

struct EventDeleter {
  void operator()(yaml_event_t* event) const noexcept {
    yaml_event_delete(event);
    delete event;
  }
};
using Event = std::unique_ptr<yaml_event_t, EventDeleter>;

base::Error error_at(const std::string& file, std::size_t line, std::string_view problem) {
  return base::make_error(base::ErrorKind::invalid_argument, file, ":", line, ": ", problem);
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : file_(file) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Reader(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  YamlNode document() {
    YamlNode root;
    if (Event first = after_stream_start(); first->type == YAML_DOCUMENT_START_EVENT) {
      root = node(next(), 0);
      expect(next(), YAML_DOCUMENT_END_EVENT);
      expect(next(), YAML_STREAM_END_EVENT);
    }
    return root;
  }

 private:
  Event after_stream_start() {
    expect(next(), YAML_STREAM_START_EVENT);
    return next();
  }

  Event next() {
    Event event(new yaml_event_t{});
    if (yaml_parser_parse(&parser_, event.get()) != 0) return event;
    const char* problem = parser_.problem == nullptr ? "this is not YAML" : parser_.problem;
    throw error_at(file_, parser_.problem_mark.line + 1, problem);
  }

  void expect(const Event& event, yaml_event_type_t type) const {
    if (event->type != type) throw error_at(file_, line_of(event), "only one document is expected");
  }
  static std::size_t line_of(const Event& event) { return event->start_mark.line + 1; }

  /// Anchors and tags of whatever kind.
  void refuse_extras(const Event& event, const yaml_char_t* anchor, const yaml_char_t* tag) const {
    if (anchor != nullptr || tag != nullptr)
      throw error_at(file_, line_of(event), "anchors, aliases and tags are not understood here");
  }

  YamlNode node(const Event& event, std::size_t depth) {
    if (++nodes_ > max_yaml_nodes) throw error_at(file_, line_of(event), "the file has too many entries");
    if (depth > max_yaml_depth) throw error_at(file_, line_of(event), "the file is nested too deep");
    YamlNode made;
    made.line = line_of(event);
    switch (event->type) {
      case YAML_SCALAR_EVENT:
        read_scalar(event, made);
        return made;
      case YAML_SEQUENCE_START_EVENT:
        refuse_extras(event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        made.kind = YamlNode::Kind::list;
        for (Event item = next(); item->type != YAML_SEQUENCE_END_EVENT; item = next())
          made.items.push_back(node(item, depth + 1));
        return made;
      case YAML_MAPPING_START_EVENT:
        refuse_extras(event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        made.kind = YamlNode::Kind::map;
        read_members(made, depth);
        return made;
      default:
        throw error_at(file_, made.line, "anchors, aliases and tags are not understood here");
    }
  }

  void read_scalar(const Event& event, YamlNode& made) const {
    const auto& scalar = event->data.scalar;
    refuse_extras(event, scalar.anchor, scalar.tag);
    made.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    made.is_quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (made.text.find('\0') != std::string::npos) throw error_at(file_, made.line, "a text holds a NUL");
  }

  void read_members(YamlNode& map, std::size_t depth) {
    for (Event key = next(); key->type != YAML_MAPPING_END_EVENT; key = next()) {
      const YamlNode name = node(key, depth + 1);
      if (name.kind != YamlNode::Kind::scalar) throw error_at(file_, name.line, "a key is not a text");
      const bool is_known = std::any_of(map.members.begin(), map.members.end(),
                                        [&](const auto& member) { return member.key == name.text; });
      if (is_known) throw error_at(file_, name.line, base::concat(base::quoted(name.text), " is there twice"));
      map.members.push_back({name.text, node(next(), depth + 1)});
    }
  }

  const std::string& file_;
  yaml_parser_t parser_{};
  std::size_t nodes_ = 0;
};

}  // namespace

bool YamlNode::is_null() const {
  return kind == Kind::scalar && !is_quoted && (text.empty() || text == "~" || text == "null");
}

base::Error YamlNode::error(const std::string& file, std::string_view problem) const {
  return error_at(file, line, problem);
}

YamlNode parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > max_yaml_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, file, " is longer than ", max_yaml_bytes, " bytes");
  return Reader(text, file).document();
}

}  // namespace registry
