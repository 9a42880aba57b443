#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cmd {

/// Prints `question` and reads one line of standard input, without its line end.
/// @throws Error invalid_argument at end of file.
std::string ask_line(std::string_view question);

/// Shows `choices` by number on standard error and reads which one is wanted; the first one, when nothing is typed.
/// @throws Error invalid_argument at end of file, and when none is chosen after three attempts.
std::string choose_one(std::string_view question, const std::vector<std::string>& choices);

/// The same for a secret: what is typed is not shown. Standard input must be a terminal, whose settings are as before
/// when this returns or throws; Ctrl-C is an error here and no signal.
/// @throws Error invalid_argument, when it is none; interrupted, on Ctrl-C.
std::string ask_secret(std::string_view question, std::string_view hint_without_terminal);

/// All of standard input without its line ends; for --password-stdin. @throws Error invalid_argument, past 64 KiB.
std::string read_secret_from_stdin();

}  // namespace cmd
