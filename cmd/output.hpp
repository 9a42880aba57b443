#pragma once

#include <functional>
#include <string_view>

#include "base/error.hpp"

namespace cmd {

/// Writes data to standard output.
/// @throws Error interrupted with code EPIPE when nobody reads any more; see is_closed_pipe.
void print(std::string_view text);
/// As above, with a line end.
void print_line(std::string_view text);

/// Whether `error` only says that our standard output was closed: not worth a message (`engine ps | head -1`).
bool is_closed_pipe(const base::Error& error) noexcept;

/// "Error: …" and, when there is one, "hint: …" on standard error. Never throws.
void print_error(const base::Error& error) noexcept;
/// From now on `listener` learns of every error that is printed. It must not throw.
void tell_of_errors(std::function<void(const base::Error&)> listener);
/// "warning: …" on standard error. Never throws.
void print_warning(std::string_view text) noexcept;

}  // namespace cmd
