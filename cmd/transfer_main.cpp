#include <sys/prctl.h>
#include <sys/stat.h>

#include "cmd/inherited.hpp"
#include "cmd/program.hpp"
#include "cmd/transfer_verbs.hpp"

// engine-transfer: the commands of the same table that move image bytes. Started by `engine`, not by users.

int main(int argc, char** argv) {
  ::prctl(PR_SET_DUMPABLE, 0);
  cmd::repair_what_was_inherited();
  const mode_t callers_umask = ::umask(077);
  const cmd::TransferVerbs verbs{
      .pull = engine::pull, .repair_image = engine::repair_image_for_parent, .unpack_child = engine::unpack_child};
  return cmd::run_program({.transfer = &verbs, .callers_umask = callers_umask}, {argv, argv + argc});
}
