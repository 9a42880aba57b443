#include "cmd/output.hpp"

#include <cerrno>
#include <string>
#include <unistd.h>
#include <utility>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace cmd {
namespace {

/// Talk is best effort: there is nobody to tell that standard error is gone.
void write_to_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// What helps against an error wherever it comes from.
std::string_view usual_hint(const base::Error& error) {
  if (error.code() == EMFILE) return "allow more open files: ulimit -n 1024";
  if (error.kind() == base::ErrorKind::no_space)
    return "make room, for example with engine rm and engine rmi, or use another place with --root";
  return {};
}

/// Of this process; there is one standard error, too.
std::function<void(const base::Error&)>& error_listener() {
  static std::function<void(const base::Error&)> listener;
  return listener;
}

}  // namespace

void print(std::string_view text) {
  try {
    base::with_context([&] { base::write_all(STDOUT_FILENO, text); }, "writing to standard output");
  } catch (base::Error& error) {
    // Not no_space, say: what helps against a full store does not help here.
    if (error.code() != EPIPE) throw base::Error{base::ErrorKind::internal, error.message()}.with_code(error.code());
    throw base::Error{base::ErrorKind::interrupted, error.message()}.with_code(EPIPE);
  }
}

void print_line(std::string_view text) {
  print(base::concat(text, '\n'));
}

bool is_closed_pipe(const base::Error& error) noexcept {
  return error.kind() == base::ErrorKind::interrupted && error.code() == EPIPE;
}

void tell_of_errors(std::function<void(const base::Error&)> listener) {
  error_listener() = std::move(listener);
}

void print_error(const base::Error& error) noexcept {
  if (error.message().empty()) return;  // a child of ours has told the user already
  try {
    if (error_listener()) error_listener()(error);
    std::string text = base::concat("Error: ", error.message(), '\n');
    const std::string_view hint = error.hint().empty() ? usual_hint(error) : std::string_view{error.hint()};
    if (!hint.empty()) text += base::concat("hint: ", hint, '\n');
    write_to_stderr(text);
  } catch (...) {
    write_to_stderr("Error: out of memory\n");
  }
}

void print_warning(std::string_view text) noexcept {
  write_to_stderr("warning: ");
  write_to_stderr(text);
  write_to_stderr("\n");
}

}  // namespace cmd
