#pragma once

#include <string_view>
#include <vector>

#include "runtime/cgroup.hpp"
#include "runtime/cgroup_limits.hpp"

namespace runtime {

/// Each figure from the hierarchy that has its controller. What is not counted is absent, as is a limit of "max".
CgroupStatistics read_cgroup_statistics(const CgroupFolders& folders);

/// Pure: io.stat of v2, "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …" a line.
std::vector<CgroupStatistics::Io> parse_io_stat(std::string_view text);
/// Pure: cpu.pressure and its like, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" a line; nothing for other text.
std::optional<CgroupStatistics::Pressure> parse_pressure(std::string_view text);
/// Pure: blkio.throttle.io_service_bytes and io_serviced of v1, "8:0 Read 1" a line.
std::vector<CgroupStatistics::Io> parse_blkio(std::string_view bytes, std::string_view operations);

}  // namespace runtime
