#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// What one container uses. All zero when it does not run.
struct ContainerStats {
  std::string id, name;
  std::uint64_t cpu_nanoseconds = 0;         ///< CPU time in all.
  std::uint64_t cpu_system_nanoseconds = 0;  ///< Of that, the kernel's.
  double average_cpu = 0;                    ///< Per cent of one CPU since the start.
  double cpu = 0;                            ///< The same since `before`; without one, average_cpu.
  std::uint64_t memory_bytes = 0, memory_limit_bytes = 0;
  std::uint64_t received_bytes = 0, sent_bytes = 0;  ///< Without what went over loopback.
  std::uint64_t read_bytes = 0, written_bytes = 0;   ///< Of block devices; known only with a cgroup.
  std::uint64_t processes = 0;
  std::int64_t taken_nanoseconds = 0;  ///< Wall clock.
};

struct StatsOptions {
  std::vector<std::string> containers;  ///< Empty: all that run.
  bool all = false;                     ///< Without names: also those that do not run.
};
/// From the container's cgroup where it has one with these controllers, else from /proc. @param before  Of the last
/// call. Source: podman-stats(1).
std::vector<ContainerStats> stats(Engine& engine, const StatsOptions& options,
                                  const std::vector<ContainerStats>& before = {});

/// Pure. Bytes received and sent of /proc/PID/net/dev, loopback left out.
std::pair<std::uint64_t, std::uint64_t> network_bytes(const std::string& net_dev);

}  // namespace engine
