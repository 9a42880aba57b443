#include "cmd/options_run.hpp"

namespace cmd {

void declare_process_options(OptionTable& table, engine::RunOptions& options) {
  table.flag("interactive", 'i', options.interactive, "Keep standard input open");
  table.flag("tty", 't', options.tty, "Give the container a terminal");
  table.text("entrypoint", 0, "COMMAND", options.entrypoint,
             "Replace the image's entry point: a path, a JSON array, or \"\" for none");
  table.list("env", 'e', "NAME[=VALUE]", options.env,
             "Set a variable; without a value, copy ours; NAME* copies all that begin so");
  table.list("env-file", 0, "FILE", options.env_files, "Read variables from a file, one a line")
      .offers(Completes::files);
  table.text("workdir", 'w', "DIRECTORY", options.work_dir, "Working directory in the container");
  table.text("user", 'u', "USER[:GROUP]", options.user, "User and group, by name or number");
  table.comma_list("group-add", 0, "GROUP", options.group_add, "Add a group, or keep-groups to keep the caller's");
  table.flag("init", 0, options.init, "Run a tiny init that forwards signals and reaps");
  table.text("init-path", 0, "PATH", options.init_path, "With --init, run this program of the host instead of our own")
      .offers(Completes::files);
  table.flag("http-proxy", 0, options.http_proxy, "Pass the caller's proxy variables on");
  table.number("preserve-fds", 0, "COUNT", &options.preserve_fds, "Pass that many more descriptors, from 3 on");
  table.comma_list("preserve-fd", 0, "NUMBER", options.preserve_fd, "Pass these descriptors, which keep their numbers");
  table.comma_list("ulimit", 0, "NAME=SOFT[:HARD]", options.ulimits, "Set a resource limit");
}

}  // namespace cmd
