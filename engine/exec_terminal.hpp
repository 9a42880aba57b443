#pragma once

namespace engine {

/// Starts a process that reads what a session in the background writes to its terminal, and throws it away, until the
/// session closes it: without a reader it would wait some day, and without an owner of `master` get SIGHUP at once.
void keep_terminal_open(int master);

/// `_inside keep-terminal`, that process: descriptor 3 is the terminal's master.
int read_terminal_to_end();

}  // namespace engine
