#include <cerrno>
#include <cstring>
#include <linux/types.h>
#include <optional>
#include <sys/wait.h>

#include "base/error.hpp"
#include "runtime/container.hpp"
#include "runtime/init.hpp"
#include "runtime/stub/plan.h"
#include "runtime/stub_plan.hpp"

namespace runtime {
namespace {

using base::ErrorKind;

bool is_about_the_command(int step) {
  return step == STAGE_STEP_EXEC || step == STAGE_STEP_EXEC_LOOKUP;
}

std::string hint_for(const stage_report& report) {
  if (report.step == STAGE_STEP_EXEC && report.code == ENOEXEC)
    return "the file is for another architecture, or a script without \"#!\" line: compare `uname -m` with the image's "
           "platform";
  if ((report.step == STAGE_STEP_UID || report.step == STAGE_STEP_GID || report.step == STAGE_STEP_GROUPS) &&
      report.code == EINVAL)
    return "the id is not mapped in the container's user namespace: see /etc/subuid and /etc/subgid";
  if (report.step == STAGE_STEP_OOM_SCORE && report.code == EACCES)
    return "only a process with CAP_SYS_RESOURCE can go below its present score: see /proc/self/oom_score_adj";
  if (report.step == STAGE_STEP_RLIMIT && report.code == EPERM)
    return "an ordinary user cannot raise a hard limit above that of the session: see `ulimit -Ha`";
  return {};
}

// The index names it as config.json does: in another process than the one that knew the hooks' paths.
base::Error describe_hook(const stage_report& report) {
  std::string how;
  if (report.code == ETIMEDOUT)
    how = "took longer than its timeout and was killed";
  else if (report.code != 0)
    how = base::concat("could not be run: ", std::strerror(report.code));
  else if (WIFSIGNALED(report.hook_status))
    how = base::concat("was ended by signal ", WTERMSIG(report.hook_status));
  else
    how = base::concat("exited with status ", WEXITSTATUS(report.hook_status));
  return base::make_error(ErrorKind::internal, "hooks.startContainer[", report.hook, "] ", how);
}

base::Error describe(const stage_report& report, const std::string& command, const std::string& cwd) {
  const std::string reason = std::strerror(report.code);
  const std::string_view doing = describe_stage_step(report.step);
  if (report.step == STAGE_STEP_EXEC_LOOKUP && report.code == ENOENT) {
    if (command.find('/') == std::string::npos)
      // docker, podman and kubelet look for these words.
      return base::make_error(ErrorKind::command_not_found, base::quoted(command),
                              ": executable file not found in $PATH");
    return base::make_error(ErrorKind::command_not_found, base::quoted(command), ": ", reason);
  }
  if (is_about_the_command(report.step))
    return base::make_error(
        report.code == ENOENT || report.code == ENOTDIR ? ErrorKind::command_not_found : ErrorKind::command_not_usable,
        "executing ", base::quoted(command), ": ", reason);
  if (report.step == STAGE_STEP_HOOK) return describe_hook(report);
  if (report.step == STAGE_STEP_CWD)
    return base::make_error(ErrorKind::command_not_usable, doing, " ", base::quoted(cwd), ": ", reason);
  return base::make_error(base::kind_of_errno(report.code), doing, ": ", reason);
}

/// The stage's next report; nothing at the end of file.
std::optional<stage_report> read_report(const CreatedInit& init) {
  stage_report report{};
  const std::size_t size = base::read_full(init.start_report.get(), &report, sizeof report);
  if (size == 0) return std::nullopt;
  if (size != sizeof report) throw base::make_error(ErrorKind::internal, "the last stage sent half a report");
  return report;
}

base::Error error_of(const stage_report& report, const CreatedInit& init) {
  return describe(report, init.command, init.cwd).with_hint(hint_for(report)).with_code(report.code);
}

}  // namespace

pid_t wait_for_join(const CreatedInit& started) {
  const std::optional<stage_report> report = read_report(started);
  if (!report) throw base::make_error(ErrorKind::internal, "the process that was to join the container was killed");
  if (report->step != STAGE_STEP_JOINED) throw error_of(*report, started);
  return report->code;
}

void wait_for_exec(CreatedInit& init) {
  const std::optional<stage_report> report = read_report(init);
  init.start_report.reset();
  if (report) throw error_of(*report, init);
}

}  // namespace runtime
