#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// The container's environment in order of first appearance; a later value replaces an earlier one.
class Environment {
 public:
  void set(std::string_view name, std::string_view value);
  void unset(std::string_view name);
  /// "NAME=value"; text without '=' is ignored.
  void set_assignment(std::string_view assignment);
  bool has(std::string_view name) const;
  std::string get(std::string_view name) const;  ///< Empty when unset.
  std::vector<std::string> assignments() const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// One word of -e or one line of --env-file: "A=1" sets, "A" copies from `host` (absent: nothing), "A*" copies all
/// names with that prefix. @throws Error invalid_argument for an empty or malformed name.
void apply_env_word(Environment& environment, std::string_view word, const std::vector<std::string>& host);

/// Lines of an env file: literal values, '#' comments, empty lines. Source: podman-run(1) --env-file.
/// @throws Error invalid_argument naming file and line.
void apply_env_file(Environment& environment, std::string_view text, const std::string& file,
                    const std::vector<std::string>& host);

}  // namespace engine
