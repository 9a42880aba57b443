// The only file that knows nlohmann's library: it checks, and JsonAt is the view that everybody else has.
#include "base/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace base {
namespace {

using Node = nlohmann::ordered_json;  // keeps the order of the document

const Node& node_of(const void* node) {
  return *static_cast<const Node*>(node);
}

/// Builds the tree from the parser's events, refusing what the library would let through: depth, duplicate keys, NUL.
class Builder final : public nlohmann::json_sax<Node> {
 public:
  explicit Builder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return has_no_nul(value) && add(std::move(value)); }
  bool binary(binary_t&) override { return fail("holds binary data"); }

  bool start_object(std::size_t) override { return open(Node::object()); }
  bool end_object() override { return shut(); }
  bool start_array(std::size_t) override { return open(Node::array()); }
  bool end_array() override { return shut(); }

  bool key(string_t& name) override {
    if (!has_no_nul(name)) return false;
    if (!open_.back().keys.insert(name).second) return fail(concat("has the key ", quoted(name), " twice"));
    open_.back().key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail(concat("is not valid JSON at byte ", position));
  }

  Node take_root() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Open {
    Node* node;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool has_no_nul(const std::string& text) {
    // The kernel would take such a string for a shorter one.
    return text.find('\0') == std::string::npos || fail("holds a NUL character");
  }

  Node* place(Node value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Node& parent = *open_.back().node;
    if (parent.is_array()) {
      auto& elements = parent.get_ref<Node::array_t&>();
      return &elements.emplace_back(std::move(value));
    }
    // Not operator[], which searches all members before it adds one.
    auto& members = parent.get_ref<Node::object_t&>();
    members.emplace_back(std::move(open_.back().key), std::move(value));
    return &members.back().second;
  }

  template <class Value>
  bool add(Value&& value) {
    place(Node(std::forward<Value>(value)));
    return true;
  }

  bool open(Node container) {
    if (open_.size() >= max_depth_) return fail(concat("is nested deeper than ", max_depth_, " levels"));
    open_.push_back({place(std::move(container)), {}, {}});
    return true;
  }

  bool shut() {
    open_.pop_back();
    return true;
  }

  std::size_t max_depth_;
  Node root_;
  std::vector<Open> open_;
  std::string problem_;
};

bool is_plain_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string path_of_member(const std::string& parent, std::string_view key) {
  if (!is_plain_key(key)) return concat(parent, "[", quoted(key), "]");
  return parent.empty() ? std::string{key} : concat(parent, ".", key);
}

const Node* find_member(const Node& node, std::string_view key) {
  if (!node.is_object()) return nullptr;
  for (const auto& [name, value] : node.get_ref<const Node::object_t&>())
    if (name == key) return &value;
  return nullptr;
}

}  // namespace

struct JsonAt::Document {
  std::string what;
  Node root;
};

JsonAt::JsonAt(std::shared_ptr<const Document> document, const void* node, std::string path)
    : document_(std::move(document)), node_(node), path_(std::move(path)) {}

JsonAt JsonAt::parse(std::string_view bytes, std::string what, JsonLimits limits) {
  const auto refuse = [&](std::string_view problem) {
    return make_error(ErrorKind::corrupt, "reading ", what, ": the document ", problem);
  };
  if (bytes.size() > limits.max_bytes) throw refuse(concat("is longer than ", limits.max_bytes, " bytes"));
  // The library takes a NUL for the end of the text and would ignore what follows.
  if (bytes.find('\0') != std::string_view::npos) throw refuse("is not valid JSON: it holds a NUL byte");
  // It skips a byte order mark, which other parsers take for a mistake. Source: RFC 8259 8.1.
  if (bytes.starts_with("\xef\xbb\xbf")) throw refuse("is not valid JSON: it begins with a byte order mark");
  Builder builder{limits.max_depth};
  if (!Node::sax_parse(bytes.begin(), bytes.end(), &builder)) throw refuse(builder.problem());
  auto document = std::make_shared<Document>(Document{std::move(what), builder.take_root()});
  const void* root = &document->root;
  return JsonAt{std::move(document), root, {}};
}

Error JsonAt::error(std::string_view problem) const {
  const std::string_view place = path_.empty() ? std::string_view{"the document"} : path_;
  return make_error(ErrorKind::corrupt, "reading ", document_->what, ": ", place, " ", problem);
}

std::optional<JsonAt> JsonAt::find(std::string_view key) const {
  const Node* member = find_member(node_of(node_), key);
  if (member == nullptr || member->is_null()) return std::nullopt;
  return JsonAt{document_, member, path_of_member(path_, key)};
}

JsonAt JsonAt::at(std::string_view key) const {
  if (!is_object()) throw error("is not an object");
  const Node* member = find_member(node_of(node_), key);
  JsonAt result{document_, member, path_of_member(path_, key)};
  if (member == nullptr) throw result.error("is missing");
  return result;
}

bool JsonAt::has(std::string_view key) const {
  const Node* member = find_member(node_of(node_), key);
  return member != nullptr && !member->is_null();
}

bool JsonAt::is_object() const {
  return node_of(node_).is_object();
}
bool JsonAt::is_array() const {
  return node_of(node_).is_array();
}
bool JsonAt::is_string() const {
  return node_of(node_).is_string();
}
bool JsonAt::is_null() const {
  return node_of(node_).is_null();
}

std::string JsonAt::string() const {
  if (!is_string()) throw error("is not a string");
  return node_of(node_).get<std::string>();
}

bool JsonAt::boolean() const {
  if (!node_of(node_).is_boolean()) throw error("is not true or false");
  return node_of(node_).get<bool>();
}

std::int64_t JsonAt::integer() const {
  const Node& node = node_of(node_);
  const bool fits = node.is_number_integer() && (!node.is_number_unsigned() || node.get<std::uint64_t>() <= INT64_MAX);
  if (!fits) throw error("is not a whole number of 64 bits");
  return node.get<std::int64_t>();
}

std::uint64_t JsonAt::unsigned_integer() const {
  if (!node_of(node_).is_number_unsigned()) throw error("is not an unsigned number");
  return node_of(node_).get<std::uint64_t>();
}

double JsonAt::number() const {
  if (!node_of(node_).is_number()) throw error("is not a number");
  return node_of(node_).get<double>();
}

Digest JsonAt::digest() const {
  const std::string text = string();
  try {
    return Digest::parse(text);
  } catch (const Error& problem) {
    throw error(concat("is not usable: ", problem.message()));
  }
}

std::vector<JsonAt> JsonAt::array() const {
  if (!is_array()) throw error("is not an array");
  std::vector<JsonAt> result;
  std::size_t index = 0;
  for (const Node& element : node_of(node_))
    result.push_back(JsonAt{document_, &element, concat(path_, "[", index++, "]")});
  return result;
}

std::vector<std::pair<std::string, JsonAt>> JsonAt::members() const {
  if (!is_object()) throw error("is not an object");
  std::vector<std::pair<std::string, JsonAt>> result;
  for (const auto& [name, value] : node_of(node_).get_ref<const Node::object_t&>())
    result.emplace_back(name, JsonAt{document_, &value, path_of_member(path_, name)});
  return result;
}

std::vector<std::string> JsonAt::strings() const {
  std::vector<std::string> result;
  for (const JsonAt& element : array()) result.push_back(element.string());
  return result;
}

std::vector<std::pair<std::string, std::string>> JsonAt::string_map() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [name, value] : members()) result.emplace_back(name, value.string());
  return result;
}

std::string JsonAt::string_or(std::string_view key, std::string_view fallback) const {
  const std::optional<JsonAt> member = find(key);
  return member ? member->string() : std::string{fallback};
}

bool JsonAt::boolean_or(std::string_view key, bool fallback) const {
  const std::optional<JsonAt> member = find(key);
  return member ? member->boolean() : fallback;
}

std::int64_t JsonAt::integer_or(std::string_view key, std::int64_t fallback) const {
  const std::optional<JsonAt> member = find(key);
  return member ? member->integer() : fallback;
}

std::uint64_t JsonAt::unsigned_or(std::string_view key, std::uint64_t fallback) const {
  const std::optional<JsonAt> member = find(key);
  return member ? member->unsigned_integer() : fallback;
}

std::vector<std::string> JsonAt::strings_or_empty(std::string_view key) const {
  const std::optional<JsonAt> member = find(key);
  return member ? member->strings() : std::vector<std::string>{};
}

std::string JsonAt::dump() const {
  return node_of(node_).dump();
}

}  // namespace base
