#include "tests/unit/runtime/stub_runner.hpp"

#include <cstring>
#include <unistd.h>

namespace runtime {

StagePlan harmless_plan(std::vector<std::string> argv) {
  StagePlan plan;
  plan.uid = ::getuid();
  plan.gid = ::getgid();
  plan.argv = std::move(argv);
  plan.env = {"PATH=/usr/bin:/bin", "NAME=value"};
  plan.search_path = "/usr/bin:/bin";
  plan.capabilities.bounding = ~std::uint64_t{0};
  plan.report_fd = child_report_fd;
  return plan;
}

base::Child start_stage_with_bytes(const std::string& plan_bytes, std::vector<std::pair<int, int>> more_fds,
                                   std::vector<std::string> argv, StageUser user) {
  const base::UniqueFd image = make_stage_executable();
  const base::UniqueFd plan_fd = make_plan_fd(plan_bytes);
  base::Command command;
  command.path = "/proc/self/fd/" + std::to_string(child_image_fd);
  command.argv = std::move(argv);
  if (user == StageUser::namespace_root) {
    command.argv = {"unshare", "-r", command.path, command.argv.at(1)};
    command.path = "/usr/bin/unshare";
  }
  command.env = std::vector<std::string>{};
  command.fds = std::move(more_fds);
  command.fds.emplace_back(image.get(), child_image_fd);
  command.fds.emplace_back(plan_fd.get(), child_plan_fd);
  return base::spawn(command);
}

StageResult run_stage(StagePlan plan, std::vector<std::pair<int, int>> more_fds, StageUser user) {
  base::Pipe report = base::make_pipe();
  base::Pipe output = base::make_pipe();
  more_fds.emplace_back(report.write_end.get(), child_report_fd);
  more_fds.emplace_back(output.write_end.get(), 1);
  base::Child child =
      start_stage_with_bytes(encode_stage_plan(plan), std::move(more_fds), {"engine-stage", "60"}, user);
  report.write_end.reset();
  output.write_end.reset();
  StageResult result;
  result.out = base::read_to_end(output.read_end.get(), 1 << 20);
  const std::string bytes = base::read_to_end(report.read_end.get(), 4096);
  if (bytes.size() == sizeof(stage_report)) {
    result.report.emplace();
    std::memcpy(&*result.report, bytes.data(), sizeof(stage_report));
  }
  result.status = child.wait();
  return result;
}

}  // namespace runtime
