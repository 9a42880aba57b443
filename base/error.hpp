#pragma once

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace base {

/// What a caller may test for. `cmd/main.cpp` maps the kind to an exit code; nobody else does.
enum class ErrorKind {
  invalid_argument,    ///< The user typed something we cannot mean: exit 125.
  not_found,           ///< The named image, container, volume or file does not exist: exit 125 (1 for `exists`).
  already_exists,      ///< The name is taken: exit 125.
  in_use,              ///< The object exists but its state forbids the action: exit 125.
  permission,          ///< The kernel or a peer refused: exit 125.
  unsupported,         ///< This host or this build cannot do it: exit 125.
  corrupt,             ///< Bytes are not what their digest, size or format says: exit 125.
  network,             ///< A peer could not be reached or answered with an error: exit 125.
  no_space,            ///< ENOSPC, EDQUOT: exit 125.
  interrupted,         ///< The user asked us to stop: exit 130.
  command_not_found,   ///< The container's command does not exist: exit 127.
  command_not_usable,  ///< The container's command cannot be executed: exit 126.
  internal,            ///< A bug, or a system call failed in a way we did not foresee: exit 125.
};

/// The only exception of the project. Message: lower case, no full stop, names quoted; outer frames are put in front.
class Error final : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::string hint = {})
      : kind_(kind), message_(std::move(message)), hint_(std::move(hint)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }
  /// One line that names the command or file that helps; empty when there is none.
  const std::string& hint() const noexcept { return hint_; }
  /// errno of the system call that failed, or 0.
  int code() const noexcept { return code_; }

  void add_context(std::string_view doing) { message_.insert(0, concat(doing, ": ")); }
  Error&& with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }
  Error&& with_code(int code) && {
    code_ = code;
    return std::move(*this);
  }

 private:
  ErrorKind kind_;
  std::string message_;
  std::string hint_;
  int code_ = 0;
};

/// The kind that an errno usually means: ENOENT not_found, EACCES and EPERM permission, ENOSPC and EDQUOT no_space,
/// EEXIST already_exists, EBUSY in_use, EINTR interrupted, ENOSYS and EOPNOTSUPP unsupported, else internal.
ErrorKind kind_of_errno(int code) noexcept;

/// "doing: No such file or directory", from a given errno (a child's report, for example).
Error error_from_code(int code, std::string doing);

/// As above from the calling thread's errno, which is read before anything here can change it.
template <class... Parts>
Error os_error(const Parts&... doing) {
  const int code = errno;
  return error_from_code(code, concat(doing...));
}

template <class... Parts>
Error make_error(ErrorKind kind, const Parts&... parts) {
  return Error{kind, concat(parts...)};
}

/// Runs `work`; an Error passing through gains "doing: " in front. Costs nothing when nothing fails.
template <class Work, class... Parts>
decltype(auto) with_context(Work&& work, const Parts&... doing) {
  try {
    return std::forward<Work>(work)();
  } catch (Error& error) {
    error.add_context(concat(doing...));
    throw;
  }
}

}  // namespace base
