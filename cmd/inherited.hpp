#pragma once

namespace cmd {

/// Repairs what a caller may have left in a state that would break us, first thing in `main`:
/// - Closed standard streams become /dev/null. Otherwise the next file that we open would be one of them, would be
///   written to as if it were, and a directory of the host could be handed to a container as its standard input.
/// - SIGCHLD is heard, else no child could be waited for.
/// - SIGXFSZ is not: a limit on the size of files is an error of write(2), which is told, not our sudden end.
void repair_what_was_inherited() noexcept;

}  // namespace cmd
