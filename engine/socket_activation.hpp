#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// Sockets that a service manager has opened for this process, from descriptor 3 on. Source: sd_listen_fds(3).
struct PassedSockets {
  unsigned count = 0;
  std::optional<std::string> names;  ///< "http:https"
};

/// None, when $LISTEN_PID is another process: the variables were inherited from who was meant.
/// @throws Error invalid_argument, when they are for us and make no sense.
PassedSockets passed_sockets();

/// The descriptors 3, 4, … that are passed on; -1 stands for a number that is left out.
/// @param count    So many from 3 on.
/// @param numbers  And these (--preserve-fd).
/// @throws Error invalid_argument naming the first that our caller has not opened.
std::vector<int> descriptors_to_pass(unsigned count, const std::vector<std::string>& numbers);

/// For another runtime than ours, which would hand its own descriptors over in the gaps: nothing (/dev/null) is there
/// instead. The result must stay open as long as `passed` is used.
base::UniqueFd fill_gaps(std::vector<int>& passed);

/// Tells the program of them. Its own pid is known where the container has a pid namespace of its own.
/// @param has_init  Whether --init comes before it.
void tell_of_sockets(std::vector<std::string>& env, const PassedSockets& sockets, const runtime::Spec& spec,
                     bool has_init);

}  // namespace engine
