#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/spec.hpp"
#include "runtime/stub_plan.hpp"

// Words of config.json for the kernel's numbers: scheduler, I/O priority, memory policy, personality, CPU lists.
// All throw Error invalid_argument that names the word.

namespace runtime {

StageScheduler scheduler_of(const Scheduler& scheduler);
int io_priority_of(const IoPriority& priority);
StageMemoryPolicy memory_policy_of(const MemoryPolicy& policy);
unsigned long personality_of(std::string_view domain);

/// "0-3,7" as bits: bit n of word w is number 64 * w + n. At most 8192 numbers (CPU_SETSIZE of the largest kernels).
std::vector<std::uint64_t> number_list_bits(std::string_view list);

/// sched_setaffinity(2) of a child of ours to a list of CPUs: execCPUAffinity.initial, before the child is moved to the
/// container's cgroup. An empty list changes nothing.
void set_cpu_affinity(pid_t child, std::string_view list);

}  // namespace runtime
