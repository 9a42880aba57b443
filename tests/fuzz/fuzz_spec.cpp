#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/plan.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/spec.hpp"

// Any bytes are a config.json: reading ends with a Spec or an Error, a Spec that was written reads as itself, and the
// decisions that are made from it are made or refused.

namespace {

template <class Work>
void may_be_refused(Work&& work) {
  try {
    work();
  } catch (const base::Error&) {  // as it should be
  }
}

void decide(const runtime::Spec& spec) {
  may_be_refused([&] { runtime::plan_container(spec, "/bundle"); });
  if (spec.process.scheduler) may_be_refused([&] { runtime::scheduler_of(*spec.process.scheduler); });
  if (spec.process.io_priority) may_be_refused([&] { runtime::io_priority_of(*spec.process.io_priority); });
  if (spec.process.exec_cpu_affinity)
    may_be_refused([&] { runtime::number_list_bits(spec.process.exec_cpu_affinity->final); });
  if (spec.linux.memory_policy) may_be_refused([&] { runtime::memory_policy_of(*spec.linux.memory_policy); });
  if (!spec.linux.resources_json.empty()) may_be_refused([&] { runtime::check_resources(spec.linux.resources_json); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  runtime::Spec spec;
  try {
    spec = runtime::parse_spec({reinterpret_cast<const char*>(data), size}, "config.json");
  } catch (const base::Error&) {
    return 0;
  }
  const std::string written = runtime::write_spec(spec);
  if (runtime::write_spec(runtime::parse_spec(written, "what we wrote")) != written) std::abort();
  decide(spec);
  return 0;
}
