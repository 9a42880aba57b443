#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine::templates {

enum class NodeKind {
  list,
  text,
  action,
  pipe,
  command,
  // operands
  field,
  chain,
  identifier,
  variable,
  dot,
  nil,
  boolean,
  number,
  string,
  // control
  if_block,
  range_block,
  with_block,
  template_call,
  break_loop,
  continue_loop,
  // only while parsing
  end,
  else_branch,
};

/// A number literal as every type that can hold it, by Go's rules for untyped constants.
struct Number {
  std::optional<std::int64_t> integer;
  std::optional<std::uint64_t> unsigned_integer;
  std::optional<double> floating;
};

struct Node {
  NodeKind kind;
  std::size_t position = 0;  ///< In bytes, from the start of the template.
  /// Of text: itself; of literals: as written; of identifiers and calls of templates: the name.
  std::string text;
  std::string value;               ///< Of a string literal: what it stands for.
  std::vector<std::string> names;  ///< Of fields, variables and chains.
  Number number;
  std::size_t declared = 0;    ///< Of a pipe: so many of its first children are variables that it sets.
  bool is_assignment = false;  ///< … with `=`.
  /// Of a list: what it consists of. Of an action: its pipe. Of a pipe: variables, then commands. Of a command:
  /// operands. Of a chain: what it begins with. Of blocks: pipe, list, and the list of `else`. Of a call: its pipe.
  std::vector<std::unique_ptr<Node>> children;
};

using NodePtr = std::unique_ptr<Node>;

NodePtr make_node(NodeKind kind, std::size_t position, std::string text = {});
/// Nothing but blanks, comments and definitions.
bool is_empty(const Node& tree);
/// As Go shows a node in errors.
std::string source_of(const Node& node);

/// The templates of one text by name; the text itself under the name that it was given.
using Trees = std::map<std::string, NodePtr, std::less<>>;

}  // namespace engine::templates
