#include "engine/templates/node.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

using base::concat;

std::string sources_of(const Node& node, std::size_t first, std::size_t end, std::string_view between) {
  std::string text;
  for (std::size_t at = first; at < end; ++at) {
    if (at > first) text += between;
    const Node& child = *node.children[at];
    const bool in_parentheses = child.kind == NodeKind::pipe && node.kind != NodeKind::action;
    text += in_parentheses ? concat('(', source_of(child), ')') : source_of(child);
  }
  return text;
}

std::string source_of_block(const Node& node, std::string_view word) {
  std::string text = concat("{{", word, ' ', source_of(*node.children[0]), "}}", source_of(*node.children[1]));
  if (node.children.size() > 2) text += concat("{{else}}", source_of(*node.children[2]));
  return text + "{{end}}";
}

}  // namespace

NodePtr make_node(NodeKind kind, std::size_t position, std::string text) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->position = position;
  node->text = std::move(text);
  return node;
}

bool is_empty(const Node& tree) {
  return std::all_of(tree.children.begin(), tree.children.end(), [](const NodePtr& node) {
    if (node->kind == NodeKind::list) return is_empty(*node);
    return node->kind == NodeKind::text && base::trim(node->text).empty();
  });
}

std::string source_of(const Node& node) {
  const std::size_t count = node.children.size();
  switch (node.kind) {
    case NodeKind::list:
      return sources_of(node, 0, count, "");
    case NodeKind::action:
      return concat("{{", sources_of(node, 0, count, ""), "}}");
    case NodeKind::pipe: {
      const std::string commands = sources_of(node, node.declared, count, " | ");
      return node.declared == 0 ? commands : concat(sources_of(node, 0, node.declared, ", "), " := ", commands);
    }
    case NodeKind::command:
      return sources_of(node, 0, count, " ");
    case NodeKind::field:
      return "." + base::join(node.names, ".");
    case NodeKind::chain:
      return concat(sources_of(node, 0, 1, ""), '.', base::join(node.names, "."));
    case NodeKind::variable:
      return base::join(node.names, ".");
    case NodeKind::if_block:
      return source_of_block(node, "if");
    case NodeKind::range_block:
      return source_of_block(node, "range");
    case NodeKind::with_block:
      return source_of_block(node, "with");
    case NodeKind::template_call:
      return concat("{{template ", quote(node.text), count > 0 ? " " : "",
                    count > 0 ? source_of(*node.children[0]) : "", "}}");
    case NodeKind::break_loop:
      return "{{break}}";
    case NodeKind::continue_loop:
      return "{{continue}}";
    case NodeKind::end:
      return "{{end}}";
    case NodeKind::else_branch:
      return "{{else}}";
    default:
      return node.text;
  }
}

}  // namespace engine::templates
