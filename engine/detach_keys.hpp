#pragma once

#include <string>
#include <string_view>

namespace engine {

/// "ctrl-p,ctrl-q", "a,ctrl-x"; empty: no keys. Bytes of the sequence. @throws Error invalid_argument.
std::string parse_detach_keys(std::string_view text);

/// Finds the detach sequence in what the user types. Bytes that could be its beginning are held back until it is clear.
class DetachScanner {
 public:
  explicit DetachScanner(std::string keys) : keys_(std::move(keys)) {}
  /// Appends to `pass` what goes to the container. True: the sequence is complete; the rest of `typed` is dropped.
  bool scan(std::string_view typed, std::string& pass);

 private:
  std::string keys_;
  std::size_t matched_ = 0;
};

}  // namespace engine
