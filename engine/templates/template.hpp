#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/templates/node.hpp"
#include "engine/templates/value.hpp"

namespace engine::templates {

// What one execution may take; a template that asks for more is refused, so that none can hang or fill the memory.
constexpr std::uint64_t max_steps = 5'000'000;           ///< Actions, commands and operands.
constexpr std::uint64_t max_text_bytes = 256ULL << 20U;  ///< Output, and texts made on the way.
constexpr unsigned max_depth = 3'000;                    ///< Blocks in each other, those of callers included.
constexpr unsigned max_calls = 1'000;                    ///< Templates that call each other.

/// A parsed template of Go's text/template, with podman's and docker's functions.
class Template {
 public:
  /// @param name  What errors call it. @throws Error invalid_argument: "template: NAME:LINE: …".
  static Template parse(const std::string& name, std::string_view text);

  /// Appends what the template says of `data`. What was said before an error stays in `output`, as with Go.
  /// @throws Error invalid_argument: `template: NAME:LINE:COLUMN: executing "NAME" at <…>: …`.
  void execute(const Value& data, std::string& output) const;

 private:
  std::string name_;
  std::string text_;
  std::shared_ptr<const Trees> trees_;
};

}  // namespace engine::templates
