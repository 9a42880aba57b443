#include "cmd/limit_words.hpp"
#include "cmd/options_run.hpp"

// What of the surroundings of its process a container keeps, and what it gets besides what options_process.cpp knows.

namespace cmd {
void declare_more_process_options(OptionTable& table, engine::RunOptions& options) {
  table.flag("env-host", 0, options.env_host, "Begin with all of our own environment");
  table.list("env-merge", 0, "NAME=VALUE", options.env_merge, "Set a variable; ${OLD} in it is what the image has");
  table.list("unsetenv", 0, "NAME", options.unsetenv, "Leave out a variable that would be set by default");
  table.flag("unsetenv-all", 0, options.unsetenv_all, "Leave out all variables that would be set by default");
  table.text("umask", 0, "MASK", options.umask, "Mask of permissions of new files, octal")
      .checked_by(check_umask, "an octal number such as 0022")
      .defaults_to("0022");
  table.text("tz", 0, "ZONE", options.timezone, "Time zone, such as Europe/Berlin, or local for the host's");
  table
      .text("systemd", 0, "MODE", options.systemd,
            "Prepare for systemd: true (when the command is an init), false, always")
      .choices("true|false|always");
  table.text("personality", 0, "NAME", options.personality, "Execution domain of the process").choices("LINUX|LINUX32");
  table.text("oom-score-adj", 0, "NUMBER", options.oom_score_adj, "How readily the kernel kills it, -1000 to 1000")
      .checked_by(check_oom_score, "a number from -1000 (never) to 1000 (first)");
  table.text("group-entry", 0, "LINE", options.group_entry,
             "Line of /etc/group for the container's group; $GROUPNAME, $GID and $USERLIST are filled in");
  table.list("hostuser", 0, "NAME", options.host_users,
             "Give a user of this host a line in the container's /etc/passwd");
  table
      .text("sdnotify", 0, "MODE", options.sdnotify,
            "Who tells the service manager that the container is ready: its program, we at its start, its health check")
      .choices("container|conmon|healthy|ignore");
}

}  // namespace cmd
