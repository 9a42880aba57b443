#include "runtime/container.hpp"

#include <fcntl.h>
#include <sched.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/conversation.hpp"
#include "runtime/init.hpp"
#include "runtime/plan.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/stub_plan.hpp"

namespace runtime {

CreatedInit create(CreateRequest& request) {
  base::assert_single_threaded();
  const ContainerPlan plan = plan_container(request.spec, request.bundle);
  if (plan.namespaces.creates(CLONE_NEWUSER) && !request.write_id_maps)
    throw base::make_error(base::ErrorKind::internal, "a new user namespace, and nobody to write its id maps");
  InitOrders orders{.request = &request, .plan = &plan};
  orders.joined = open_namespaces(plan.namespaces);
  orders.seccomp = compile_seccomp(request.spec.linux.seccomp_json, request.seccomp_cache_dir);
  orders.stage_executable = make_stage_executable();
  base::Pipe report;
  if (request.report_fd >= 0)
    report.write_end = base::duplicate(request.report_fd);
  else
    report = base::make_pipe();
  orders.report = std::move(report.write_end);
  auto [ours, theirs] = base::Channel::make_pair();
  orders.channel = std::move(theirs);

  base::Child child = start_init(orders);
  orders.channel.close();
  orders.report.reset();
  CreatedInit init = converse(std::move(child), ours,
                              {.write_id_maps = request.write_id_maps,
                               .set_up_network = request.set_up_network,
                               .serve_fuse = request.serve_fuse});
  init.start_report = std::move(report.read_end);
  init.command = request.spec.process.args.front();
  init.cwd = request.spec.process.cwd;
  return init;
}

CreatedInit exec(ExecRequest& request) {
  base::assert_single_threaded();
  ExecOrders orders{.request = &request};
  orders.seccomp = compile_seccomp(request.seccomp_json, request.seccomp_cache_dir);
  orders.stage_executable = make_stage_executable();
  base::Pipe report = base::make_pipe();
  orders.report = std::move(report.write_end);
  auto [ours, theirs] = base::Channel::make_pair();
  orders.channel = std::move(theirs);

  base::Child child = start_exec(orders);
  orders.channel.close();
  orders.report.reset();
  CreatedInit init = converse(std::move(child), ours, {});
  init.start_report = std::move(report.read_end);
  init.command = request.process.args.front();
  init.cwd = request.process.cwd;
  return init;
}

}  // namespace runtime
