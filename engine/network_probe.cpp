#include "engine/network_probe.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include "base/error.hpp"
#include "rootless/network.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {

std::string try_user_network(Engine& engine) {
  const std::string problem = rootless::user_network_problem(engine.host);
  if (!problem.empty()) return problem;
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_inside", "probe-network"});
  command.null_stdin = true;
  command.die_with_parent = true;
  try {
    const rootless::MappedChild child =
        rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host);
    if (!child.channel.receive()) return "the probe of the network died";
    rootless::start_user_network(child.process.pid(), -1, {}, engine.host);  // ends with what it returns
    return "";
  } catch (const base::Error& error) {
    return error.message();
  }
}

int probe_network_inside() {
  const base::Channel channel = rootless::enter_mapped_namespace(false);
  if (::unshare(CLONE_NEWNET) != 0) throw base::os_error("making a network namespace");
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // the helper joins us
  channel.send("+");
  channel.receive();  // nothing: the parent has seen enough
  return 0;
}

}  // namespace engine
