#include "engine/templates/parser.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/functions.hpp"
#include "engine/templates/number.hpp"
#include "engine/templates/quoting.hpp"
#include "engine/templates/token_stream.hpp"

namespace engine::templates {
namespace {

using base::concat;

std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view name : base::split(text, '.')) names.emplace_back(name);
  return names;
}

class Parser : private TokenStream {
 public:
  using TokenStream::TokenStream;

  Trees run() {
    NodePtr root = make_node(NodeKind::list, 0);
    while (peek().kind != TokenKind::end_of_text) {
      const std::size_t before = mark();
      if (peek().kind == TokenKind::left_delimiter) {
        next();
        if (next_word().kind == TokenKind::word_define) {
          parse_definition();
          continue;
        }
        go_back(before);
      }
      NodePtr node = parse_node();
      if (node->kind == NodeKind::end || node->kind == NodeKind::else_branch)
        fail(concat("unexpected ", source_of(*node)));
      root->children.push_back(std::move(node));
    }
    add_tree(name(), std::move(root));
    return std::move(trees_);
  }

 private:
  /// One level deeper; the guard of recursion.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > max_nesting) parser_.fail(concat("nested deeper than ", max_nesting, " levels"));
    }
    Deeper(const Deeper&) = delete;
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  void add_tree(const std::string& name, NodePtr tree) {
    const auto found = trees_.find(name);
    if (found == trees_.end() || is_empty(*found->second)) {
      trees_[name] = std::move(tree);
    } else if (!is_empty(*tree)) {
      fail(concat("template: multiple definition of template ", quote(name)));
    }
  }

  std::string parse_name(const Token& token, std::string_view context) {
    if (token.kind != TokenKind::text_literal && token.kind != TokenKind::raw_literal) unexpected(token, context);
    const auto name = unquote(token.text);
    if (!name) fail("invalid syntax");
    return *name;
  }

  void parse_definition() {
    constexpr std::string_view context = "define clause";
    const std::string name = parse_name(next_word(), context);
    expect(TokenKind::right_delimiter, context);
    const auto outer = std::exchange(variables_, {"$"});
    auto [list, end] = parse_list();
    if (end->kind != NodeKind::end) fail(concat("unexpected ", source_of(*end), " in ", context));
    variables_ = outer;
    add_tree(name, std::move(list));
  }

  /// Nodes up to `end` or `else`, and that.
  std::pair<NodePtr, NodePtr> parse_list() {
    const Deeper deeper{*this};
    NodePtr list = make_node(NodeKind::list, peek_word().position);
    while (peek_word().kind != TokenKind::end_of_text) {
      NodePtr node = parse_node();
      if (node->kind == NodeKind::end || node->kind == NodeKind::else_branch) return {std::move(list), std::move(node)};
      list->children.push_back(std::move(node));
    }
    fail("unexpected EOF");
  }

  NodePtr parse_node() {
    const Token& token = next_word();
    if (token.kind == TokenKind::text) return make_node(NodeKind::text, token.position, token.text);
    if (token.kind != TokenKind::left_delimiter) unexpected(token, "input");
    set_action_line(token.line);
    NodePtr node = parse_action();
    set_action_line(0);
    return node;
  }

  NodePtr parse_action() {
    const std::size_t before = mark();
    const Token& token = next_word();
    switch (token.kind) {
      case TokenKind::word_block:
        return parse_block();
      case TokenKind::word_break:
        return parse_jump(token, NodeKind::break_loop, "{{break}}");
      case TokenKind::word_continue:
        return parse_jump(token, NodeKind::continue_loop, "{{continue}}");
      case TokenKind::word_else:
        if (peek_word().kind == TokenKind::word_if) return make_node(NodeKind::else_branch, peek().position);
        return make_node(NodeKind::else_branch, expect(TokenKind::right_delimiter, "else").position);
      case TokenKind::word_end:
        return make_node(NodeKind::end, expect(TokenKind::right_delimiter, "end").position);
      case TokenKind::word_if:
        return parse_control(NodeKind::if_block, "if");
      case TokenKind::word_range:
        return parse_control(NodeKind::range_block, "range");
      case TokenKind::word_with:
        return parse_control(NodeKind::with_block, "with");
      case TokenKind::word_template:
        return parse_call();
      default:
        go_back(before);
    }
    NodePtr action = make_node(NodeKind::action, peek_word().position);
    action->children.push_back(parse_pipe("command", TokenKind::right_delimiter));
    return action;
  }

  NodePtr parse_jump(const Token& token, NodeKind kind, const char* shown) {
    const Token& after = next_word();
    if (after.kind != TokenKind::right_delimiter) unexpected(after, shown);
    if (range_depth_ == 0) fail(concat(shown, " outside {{range}}"));
    return make_node(kind, token.position);
  }

  NodePtr parse_control(NodeKind kind, std::string_view context) {
    const Deeper deeper{*this};
    const std::size_t outer_variables = variables_.size();
    NodePtr pipe = parse_pipe(context, TokenKind::right_delimiter);
    NodePtr block = make_node(kind, pipe->position);
    block->children.push_back(std::move(pipe));
    const unsigned in_range = kind == NodeKind::range_block ? 1 : 0;
    range_depth_ += in_range;
    auto [list, end] = parse_list();
    range_depth_ -= in_range;
    block->children.push_back(std::move(list));
    if (end->kind == NodeKind::else_branch) block->children.push_back(parse_else(kind, *end));
    variables_.resize(outer_variables);
    return block;
  }

  NodePtr parse_else(NodeKind kind, const Node& branch) {
    if (kind == NodeKind::if_block && peek().kind == TokenKind::word_if) {
      next();
      NodePtr list = make_node(NodeKind::list, branch.position);
      list->children.push_back(parse_control(NodeKind::if_block, "if"));
      return list;
    }
    auto [list, end] = parse_list();
    if (end->kind != NodeKind::end) fail(concat("expected end; found ", source_of(*end)));
    return std::move(list);
  }

  NodePtr parse_block() {
    constexpr std::string_view context = "block clause";
    const Token& token = next_word();
    NodePtr call = make_node(NodeKind::template_call, token.position, parse_name(token, context));
    call->children.push_back(parse_pipe(context, TokenKind::right_delimiter));
    const auto outer = std::exchange(variables_, {"$"});
    const unsigned outer_range = std::exchange(range_depth_, 0);
    auto [list, end] = parse_list();
    if (end->kind != NodeKind::end) fail(concat("unexpected ", source_of(*end), " in ", context));
    variables_ = outer;
    range_depth_ = outer_range;
    add_tree(call->text, std::move(list));
    return call;
  }

  NodePtr parse_call() {
    constexpr std::string_view context = "template clause";
    const Token& token = next_word();
    NodePtr call = make_node(NodeKind::template_call, token.position, parse_name(token, context));
    const std::size_t before = mark();
    if (next_word().kind == TokenKind::right_delimiter) return call;
    go_back(before);
    call->children.push_back(parse_pipe(context, TokenKind::right_delimiter));
    return call;
  }

  void declare(Node& pipe, const Token& variable) {
    pipe.children.push_back(make_node(NodeKind::variable, variable.position));
    pipe.children.back()->names = {variable.text};
    ++pipe.declared;
    variables_.push_back(variable.text);
  }

  /// `$x :=`, `$x =`, and of range `$i, $x :=`.
  void parse_declarations(Node& pipe, std::string_view context) {
    while (peek_word().kind == TokenKind::variable) {
      const std::size_t before = mark();
      const Token& variable = next();
      const Token& after = peek_word();
      if (after.kind == TokenKind::assign || after.kind == TokenKind::declare) {
        pipe.is_assignment = after.kind == TokenKind::assign;
        next();
        return declare(pipe, variable);
      }
      if (after.kind != TokenKind::character || after.text != ",") {
        go_back(before);
        return;
      }
      next();
      declare(pipe, variable);
      if (context != "range" || pipe.declared > 1) fail(concat("too many declarations in ", context));
      const TokenKind following = peek_word().kind;
      if (following != TokenKind::variable && following != TokenKind::right_delimiter &&
          following != TokenKind::right_parenthesis)
        fail("range can only initialize variables");
    }
  }

  static bool begins_operand(TokenKind kind) {
    return (kind >= TokenKind::text_literal && kind <= TokenKind::identifier) || kind == TokenKind::left_parenthesis ||
           kind == TokenKind::word_nil;
  }

  NodePtr parse_pipe(std::string_view context, TokenKind end) {
    const Deeper deeper{*this};
    NodePtr pipe = make_node(NodeKind::pipe, peek_word().position);
    parse_declarations(*pipe, context);
    while (true) {
      const Token& token = peek_word();
      if (token.kind == end) {
        next();
        check_pipe(*pipe, context);
        return pipe;
      }
      if (!begins_operand(token.kind)) {
        next();
        unexpected(token, context);
      }
      pipe->children.push_back(parse_command());
    }
  }

  void check_pipe(const Node& pipe, std::string_view context) const {
    if (pipe.children.size() == pipe.declared) fail(concat("missing value for ", context));
    for (std::size_t at = pipe.declared + 1; at < pipe.children.size(); ++at) {
      switch (pipe.children[at]->children.front()->kind) {
        case NodeKind::boolean:
        case NodeKind::dot:
        case NodeKind::nil:
        case NodeKind::number:
        case NodeKind::string:
          fail(concat("non executable command in pipeline stage ", at - pipe.declared + 1));
        default:
          break;
      }
    }
  }

  NodePtr parse_command() {
    NodePtr command = make_node(NodeKind::command, peek_word().position);
    while (true) {
      peek_word();
      if (NodePtr operand = parse_operand()) command->children.push_back(std::move(operand));
      const std::size_t before = mark();
      const Token& token = next();
      if (token.kind == TokenKind::space) continue;
      if (token.kind == TokenKind::right_delimiter || token.kind == TokenKind::right_parenthesis) {
        go_back(before);
      } else if (token.kind != TokenKind::pipe) {
        unexpected(token, "operand");
      }
      break;
    }
    if (command->children.empty()) fail("empty command");
    return command;
  }

  NodePtr parse_operand() {
    NodePtr node = parse_term();
    if (!node || peek().kind != TokenKind::field) return node;
    std::vector<std::string> names;
    const std::size_t position = peek().position;
    while (peek().kind == TokenKind::field) names.push_back(next().text.substr(1));
    switch (node->kind) {
      case NodeKind::field:
      case NodeKind::variable:
        node->position = position;
        node->names.insert(node->names.end(), names.begin(), names.end());
        return node;
      case NodeKind::boolean:
      case NodeKind::string:
      case NodeKind::number:
      case NodeKind::nil:
      case NodeKind::dot:
        fail(concat("unexpected . after term ", quote(source_of(*node))));
      default:
        break;
    }
    NodePtr chain = make_node(NodeKind::chain, position);
    chain->names = std::move(names);
    chain->children.push_back(std::move(node));
    return chain;
  }

  NodePtr parse_term() {
    const std::size_t before = mark();
    const Token& token = next_word();
    NodePtr node = make_node(NodeKind::identifier, token.position, token.text);
    switch (token.kind) {
      case TokenKind::identifier:
        if (find_function(token.text) == nullptr) fail(concat("function ", quote(token.text), " not defined"));
        return node;
      case TokenKind::dot:
        node->kind = NodeKind::dot;
        node->text = ".";
        return node;
      case TokenKind::word_nil:
        node->kind = NodeKind::nil;
        return node;
      case TokenKind::boolean:
        node->kind = NodeKind::boolean;
        return node;
      case TokenKind::field:
        node->kind = NodeKind::field;
        node->names = names_of(token.text.substr(1));
        return node;
      case TokenKind::variable:
        node->kind = NodeKind::variable;
        node->names = {token.text};
        if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end())
          fail(concat("undefined variable ", quote(token.text)));
        return node;
      case TokenKind::left_parenthesis:
        return parse_pipe("parenthesized pipeline", TokenKind::right_parenthesis);
      default:
        return parse_literal(token, std::move(node), before);
    }
  }

  /// Null, and the token given back, when it is none.
  NodePtr parse_literal(const Token& token, NodePtr node, std::size_t before) {
    if (token.kind == TokenKind::text_literal || token.kind == TokenKind::raw_literal) {
      node->kind = NodeKind::string;
      const auto value = unquote(token.text);
      if (!value) fail("invalid syntax");
      node->value = *value;
      return node;
    }
    node->kind = NodeKind::number;
    const bool is_character = token.kind == TokenKind::character_literal;
    if (!is_character && token.kind != TokenKind::number && token.kind != TokenKind::complex_number) {
      go_back(before);
      return nullptr;
    }
    try {
      if (is_character) {
        const char32_t code = unquote_character(token.text);
        node->number = {.integer = code, .unsigned_integer = code, .floating = code};
      } else {
        node->number = parse_number(token.text);
      }
    } catch (const base::Error& error) {
      fail(error.message());
    }
    return node;
  }

  unsigned depth_ = 0;
  unsigned range_depth_ = 0;
  std::vector<std::string> variables_{"$"};
  Trees trees_;
};

}  // namespace

Trees parse_template(const std::string& name, std::string_view text) {
  if (text.size() > max_template_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, "template: ", name, ": longer than ", max_template_bytes,
                           " bytes");
  return Parser{name, text}.run();
}

}  // namespace engine::templates
