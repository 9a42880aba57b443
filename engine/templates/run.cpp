#include "engine/templates/run.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/parser.hpp"
#include "engine/templates/print.hpp"
#include "engine/templates/quoting.hpp"
#include "engine/templates/template.hpp"

namespace engine::templates {

using base::concat;

Template Template::parse(const std::string& name, std::string_view text) {
  Template made;
  made.name_ = name;
  made.text_ = text;
  made.trees_ = std::make_shared<const Trees>(parse_template(name, text));
  return made;
}

void Template::execute(const Value& data, std::string& output) const {
  Run{name_, text_, *trees_, output}.start(data);
}

void Run::start(const Value& data) {
  tree_name_ = name_;
  variables_ = {{"$", data}};
  const auto tree = trees_.find(name_);
  if (tree == trees_.end()) fail(concat(quote(name_), " is an incomplete or empty template"));
  walk(data, *tree->second);
}

void Run::at(const Node& node) {
  node_ = &node;
  if (++steps_ > max_steps) fail(concat("the template takes more than ", max_steps, " steps"));
}

void Run::take_text(std::size_t bytes) {
  text_bytes_ += bytes;
  if (text_bytes_ > max_text_bytes)
    fail(concat("the template makes more than ", max_text_bytes >> 20U, " MiB of text"));
}

void Run::fail(std::string_view what) const {
  if (node_ == nullptr) throw base::make_error(base::ErrorKind::invalid_argument, "template: ", tree_name_, ": ", what);
  const std::string_view before = std::string_view{text_}.substr(0, node_->position);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  throw base::make_error(base::ErrorKind::invalid_argument, "template: ", name_, ':', line, ':',
                         node_->position - line_start, ": executing ", quote(tree_name_), " at <", source_of(*node_),
                         ">: ", what);
}

Run::Flow Run::walk(const Value& dot, const Node& node) {
  at(node);
  switch (node.kind) {
    case NodeKind::action: {
      const Node& inner = *node.children[0];
      const Value value = pipe(dot, inner);
      if (inner.declared > 0) return Flow::normal;
      at(node);
      const std::string text = shown(value);
      take_text(text.size());
      output_ += text;
      return Flow::normal;
    }
    case NodeKind::text:
      take_text(node.text.size());
      output_ += node.text;
      return Flow::normal;
    case NodeKind::list:
      return walk_list(dot, node);
    case NodeKind::if_block:
    case NodeKind::with_block:
      return walk_branch(dot, node);
    case NodeKind::range_block:
      return walk_range(dot, node);
    case NodeKind::template_call:
      walk_call(dot, node);
      return Flow::normal;
    case NodeKind::break_loop:
      return Flow::break_loop;
    case NodeKind::continue_loop:
      return Flow::continue_loop;
    default:
      fail(concat("unknown node: ", source_of(node)));
  }
}

Run::Flow Run::walk_list(const Value& dot, const Node& node) {
  if (++depth_ > max_depth) fail(concat("nested deeper than ", max_depth, " blocks"));
  Flow flow = Flow::normal;
  for (const auto& child : node.children) {
    flow = walk(dot, *child);
    if (flow != Flow::normal) break;
  }
  --depth_;
  return flow;
}

Run::Flow Run::walk_branch(const Value& dot, const Node& node) {
  const std::size_t mark = variables_.size();
  const Value value = pipe(dot, *node.children[0]);
  Flow flow = Flow::normal;
  if (is_true(open_interface(value))) {
    flow = walk(node.kind == NodeKind::with_block ? value : dot, *node.children[1]);
  } else if (node.children.size() > 2) {
    flow = walk(dot, *node.children[2]);
  }
  variables_.resize(mark);
  return flow;
}

/// False when the loop ends here; `flow` is then what the loop ends with.
bool Run::walk_element(const Value& index, const Value& element, const Node& node, Flow& flow) {
  const std::size_t declared = node.children[0]->declared;
  const std::size_t mark = variables_.size();
  if (declared > 0) variables_[mark - 1].second = element;
  if (declared > 1) variables_[mark - 2].second = index;
  flow = walk(element, *node.children[1]);
  variables_.resize(mark);
  return flow != Flow::break_loop;
}

Run::Flow Run::walk_range(const Value& dot, const Node& node) {
  at(node);
  const std::size_t mark = variables_.size();
  const Value ranged = pipe(dot, *node.children[0]);
  const Value value = follow(ranged);
  Flow flow = Flow::normal;
  const bool is_nothing = !value.exists() || (value.is_nil() && value.kind() == Kind::interface);
  if (value.kind() == Kind::list) {
    std::int64_t index = 0;
    for (const Value& element : value.elements())
      if (!walk_element(make_int(index++), element, node, flow)) break;
  } else if (value.kind() == Kind::map) {
    for (const auto& [key, element] : value.entries())
      if (!walk_element(key, element, node, flow)) break;
  } else if (!is_nothing) {
    fail(concat("range can't iterate over ", print_values({value})));
  }
  if (length_of(value).value_or(0) == 0 && node.children.size() > 2) {
    flow = walk(dot, *node.children[2]);
  } else {
    flow = Flow::normal;
  }
  variables_.resize(mark);
  return flow;
}

void Run::walk_call(const Value& dot, const Node& node) {
  const auto tree = trees_.find(node.text);
  if (tree == trees_.end()) fail(concat("template ", quote(node.text), " not defined"));
  if (calls_ == max_calls) fail(concat("exceeded maximum template depth (", max_calls, ")"));
  const Value data = node.children.empty() ? Value{} : pipe(dot, *node.children[0]);
  ++calls_;
  const Variables outer = std::exchange(variables_, {{"$", data}});
  const std::string outer_name = std::exchange(tree_name_, node.text);
  walk(data, *tree->second);
  variables_ = outer;
  tree_name_ = outer_name;
  --calls_;
}

}  // namespace engine::templates
