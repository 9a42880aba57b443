#include "runtime/container.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <set>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/conversation.hpp"
#include "runtime/init.hpp"
#include "runtime/mounts_idmap.hpp"
#include "runtime/net_devices.hpp"
#include "runtime/plan.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/seccomp_agent.hpp"
#include "runtime/stub_plan.hpp"

namespace runtime {

namespace {

using base::ErrorKind;
using base::make_error;

bool has_hooks_before_start(const Hooks& hooks) {
  return !(hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty() &&
           hooks.start_container.empty());
}

void check_request(const CreateRequest& request, const ContainerPlan& plan) {
  const Spec& spec = request.spec;
  if (plan.namespaces.creates(CLONE_NEWUSER) && !request.write_id_maps)
    throw make_error(ErrorKind::internal, "a new user namespace, and nobody to write its id maps");
  if (has_hooks_before_start(spec.hooks) && request.hooks_for == nullptr)
    throw make_error(ErrorKind::unsupported, "config.json: hooks are not for this kind of container");
  if (!spec.has_process && request.start_fd < 0)
    throw make_error(ErrorKind::corrupt, "config.json: process is missing");
}

// config.md "capabilities": what cannot be mapped to a kernel interface is a warning.
void warn_of_unknown_capabilities(const Capabilities& capabilities) {
  std::set<std::string> unknown;
  for (const auto* names : {&capabilities.bounding, &capabilities.effective, &capabilities.inheritable,
                            &capabilities.permitted, &capabilities.ambient})
    for (const std::string& name : *names)
      if (!capability_number(name)) unknown.insert(name);
  for (const std::string& name : unknown)
    base::log(base::LogLevel::warn, base::quoted(name), " is no capability and is left out");
}

ParentServices services_of(const CreateRequest& request) {
  ParentServices services{.write_id_maps = request.write_id_maps, .serve_fuse = request.serve_fuse};
  services.set_up_network = [&request](pid_t pid) {
    move_net_devices(request.spec.linux.net_devices, pid);
    if (request.set_up_network) request.set_up_network(pid);
  };
  services.enter_cgroup = [&request](pid_t pid) { request.cgroup->add(pid); };
  services.run_hooks = [&request](pid_t pid) {
    const std::string state = hook_state(*request.hooks_for, pid, "creating");
    run_hooks(request.spec.hooks.prestart, "prestart", state);
    run_hooks(request.spec.hooks.create_runtime, "createRuntime", state);
  };
  return services;
}

}  // namespace

CreatedInit create(CreateRequest& request) {
  base::assert_single_threaded();
  const ContainerPlan plan = request.chroot_only ? ContainerPlan{} : plan_container(request.spec, request.bundle);
  check_request(request, plan);
  warn_of_unknown_capabilities(request.spec.process.capabilities);
  InitOrders orders{.request = &request, .plan = &plan};
  orders.joined = open_namespaces(plan.namespaces);
  orders.mapped_sources = map_bind_sources(plan, orders.joined);
  orders.seccomp = compile_seccomp(request.spec.linux.seccomp_json, request.seccomp_cache_dir);
  request.compiled_seccomp = orders.seccomp;
  orders.seccomp_agent = connect_seccomp_agent(orders.seccomp);
  orders.stage_executable = make_stage_executable();
  base::Pipe report;
  if (request.report_fd >= 0)
    report.write_end = base::duplicate(request.report_fd);
  else
    report = base::make_pipe();
  orders.report = std::move(report.write_end);
  auto [ours, theirs] = base::Channel::make_pair();
  orders.channel = std::move(theirs);
  orders.parents_end = &ours;

  base::Child child = start_init(orders);
  orders.channel.close();
  orders.report.reset();
  orders.seccomp_agent.reset();
  CreatedInit init = converse(std::move(child), ours, services_of(request));
  init.start_report = std::move(report.read_end);
  if (request.spec.has_process) init.command = request.spec.process.args.front();
  init.cwd = request.spec.process.cwd;
  return init;
}

bool has_ended(int pidfd, int patience_milliseconds) {
  pollfd waiting{pidfd, POLLIN, 0};
  return ::poll(&waiting, 1, patience_milliseconds) == 1 && (waiting.revents & POLLIN) != 0;
}

CreatedInit exec(ExecRequest& request) {
  base::assert_single_threaded();
  try {
    warn_of_unknown_capabilities(request.process.capabilities);
    return start_exec(request);
  } catch (const base::Error& error) {
    // Whichever step it was that failed, that is why. Namespaces are given up before a pidfd tells of the end, and the
    // processes of a pid namespace, ours among them, are killed before its init has ended.
    // ENOMEM is also what the kernel says of a pid namespace that is ending.
    const int patience_milliseconds = error.kind() == ErrorKind::internal || error.code() == ENOMEM ? 1000 : 0;
    if (error.code() == ESRCH || has_ended(request.init_pidfd, patience_milliseconds))
      throw make_error(ErrorKind::in_use, "the container is not running any more");
    throw;
  }
}

}  // namespace runtime
