#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/templates/functions.hpp"
#include "engine/templates/node.hpp"
#include "engine/templates/value.hpp"

namespace engine::templates {

/// One execution of a template. Evaluation is in run_operands.cpp.
class Run {
 public:
  Run(const std::string& name, const std::string& text, const Trees& trees, std::string& output)
      : name_(name), text_(text), trees_(trees), output_(output) {}
  void start(const Value& data);

 private:
  enum class Flow { normal, break_loop, continue_loop };
  using Variables = std::vector<std::pair<std::string, Value>>;
  /// The value in front of a '|'; null when there is none.
  using Final = const Value*;

  Flow walk(const Value& dot, const Node& node);
  Flow walk_list(const Value& dot, const Node& node);
  Flow walk_branch(const Value& dot, const Node& node);
  Flow walk_range(const Value& dot, const Node& node);
  void walk_call(const Value& dot, const Node& node);
  bool walk_element(const Value& index, const Value& element, const Node& node, Flow& flow);

  Value pipe(const Value& dot, const Node& node);
  Value command(const Value& dot, const Node& node, Final final);
  Value operand(const Value& dot, const Node& node);
  Value constant(const Node& node);
  Value fields(const Value& dot, Value receiver, const Node& node, std::size_t first, const Node* command, Final final);
  Value field(const Value& dot, const Value& receiver, const std::string& name, const Node& node, const Node* command,
              Final final);
  Value method(const Value& dot, const Value& receiver, const std::string& name, const Node& node, const Node* command,
               Final final);
  Value missing_field(const Value& original, const Value& receiver, const std::string& name);
  Value function(const Value& dot, const Node& node, const Node* command, Final final);
  Value short_circuit(const Value& dot, const Node& node, const Node* command, Final final);
  Value argument(const Value& dot, const Node& node, Parameter wanted);
  Value literal_argument(const Node& node, Parameter wanted);
  Value checked(const Value& value, Parameter wanted);
  Value variable(const std::string& name);
  void set_variable(const std::string& name, const Value& value);
  void check_arguments(const Function& function, std::size_t given, bool has_final);

  void at(const Node& node);
  void take_text(std::size_t bytes);
  [[noreturn]] void fail(std::string_view what) const;

  const std::string& name_;
  const std::string& text_;
  const Trees& trees_;
  std::string& output_;
  std::string tree_name_;       ///< Of the template that runs: `define` gives others than name_.
  const Node* node_ = nullptr;  ///< What errors point at.
  Variables variables_;
  std::uint64_t steps_ = 0;
  std::uint64_t text_bytes_ = 0;
  unsigned calls_ = 0;
  unsigned depth_ = 0;  ///< Of blocks, those of callers included.
};

}  // namespace engine::templates
