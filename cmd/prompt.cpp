#include "cmd/prompt.hpp"

#include <algorithm>
#include <termios.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

constexpr std::size_t max_line_bytes = 64 * 1024;
constexpr int max_attempts = 3;
constexpr char ctrl_c = 3, ctrl_d = 4, ctrl_u = 21, backspace = 8, delete_key = 127;

base::Error nobody_answered() {
  return base::Error(base::ErrorKind::invalid_argument, "nobody answered: end of standard input");
}

void append(std::string& line, char byte) {
  if (line.size() == max_line_bytes) throw base::Error(base::ErrorKind::invalid_argument, "the input is too long");
  line.push_back(byte);
}

/// One line from a terminal that neither shows nor edits what is typed.
std::string read_hidden_line() {
  std::string line;
  for (char byte = 0; base::read_some(STDIN_FILENO, &byte, 1) == 1;) {
    if (byte == '\n' || byte == '\r') return line;
    if (byte == ctrl_c) throw base::Error(base::ErrorKind::interrupted, "interrupted");
    if (byte == ctrl_d && line.empty()) break;
    if (byte == ctrl_u) {
      line.clear();
    } else if (byte == backspace || byte == delete_key) {
      if (!line.empty()) line.pop_back();
    } else {
      append(line, byte);
    }
  }
  throw nobody_answered();
}

/// One line of standard input.
std::string read_line() {
  std::string line;
  for (char byte = 0; base::read_some(STDIN_FILENO, &byte, 1) == 1;) {
    if (byte == '\n') return line;
    if (byte != '\r') append(line, byte);
  }
  if (line.empty()) throw nobody_answered();
  return line;
}

}  // namespace

std::string ask_line(std::string_view question) {
  print(question);
  return read_line();
}

std::string choose_one(std::string_view question, const std::vector<std::string>& choices) {
  std::string text = base::concat(question, "\n");
  for (std::size_t i = 0; i < choices.size(); ++i) text += base::concat("  ", i + 1, ") ", choices[i], "\n");
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    base::write_all(STDERR_FILENO, base::concat(attempt == 0 ? text : "", "Number [1]: "));
    const std::string answer = read_line();
    if (answer.empty()) return choices.front();
    const auto number = base::parse_unsigned(answer);
    if (number && *number >= 1 && *number <= choices.size()) return choices[*number - 1];
  }
  throw base::Error(base::ErrorKind::invalid_argument, "none of the names was chosen");
}

std::string ask_secret(std::string_view question, std::string_view hint_without_terminal) {
  termios found{};
  if (::tcgetattr(STDIN_FILENO, &found) != 0)
    throw base::Error(base::ErrorKind::invalid_argument, "standard input is no terminal that could be asked")
        .with_hint(std::string{hint_without_terminal});
  termios hidden = found;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
  hidden.c_cc[VMIN] = 1;
  hidden.c_cc[VTIME] = 0;
  // Before the question: what is typed at once must not be shown either.
  if (::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0) throw base::os_error("hiding what is typed");
  const auto restore = base::on_scope_exit([&] { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &found); });
  print(question);
  std::string line = read_hidden_line();
  print("\n");
  return line;
}

std::string read_secret_from_stdin() {
  std::string text;
  for (char byte = 0; base::read_some(STDIN_FILENO, &byte, 1) == 1;) {
    if (byte != '\n' && byte != '\r') append(text, byte);
  }
  return text;
}

}  // namespace cmd
