#pragma once

#include <string>

#include "base/fd.hpp"

namespace engine {

/// The socket to which an OCI runtime sends the terminal that it made. Source: runc, docs/terminals.md.
class ConsoleSocket {
 public:
  /// Listens at `name` in a folder.
  ConsoleSocket(int folder, const std::string& name);
  ConsoleSocket(const ConsoleSocket&) = delete;
  ConsoleSocket& operator=(const ConsoleSocket&) = delete;
  ~ConsoleSocket();
  /// The pty master that was sent by now. @throws Error internal, when there was none.
  base::UniqueFd receive() const;

 private:
  base::UniqueFd folder_;
  std::string name_;
  base::UniqueFd listener_;
};

}  // namespace engine
