#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// "CAP_CHOWN" to 0 …; nothing when unknown. Exact spelling, as the runtime-spec has it. Source: capability.h, 6.1.
std::optional<unsigned> capability_number(std::string_view name);
/// 0 to "CAP_CHOWN"; empty when unknown.
std::string_view capability_name(unsigned number);
/// Bits of the known names; unknown ones are skipped, as the runtime-spec wants ("SHOULD log a warning").
std::uint64_t capability_bits(const std::vector<std::string>& names);
/// All names, in the order of their numbers.
std::vector<std::string> all_capability_names();
/// Bits the running kernel knows: 0 .. cap_last_cap, by prctl(PR_CAPBSET_READ).
std::uint64_t kernel_capability_bits();

}  // namespace runtime
