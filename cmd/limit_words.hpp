#pragma once

#include <string_view>

namespace cmd {

// What the values of limits look like, as podman has it: each says what is wrong with one ("is not a size"), or
// nothing. Source: podman-run(1); the numbers are the kernel's, cgroups(7).

std::string_view check_size(std::string_view value);
/// The same, and -1, which is no limit.
std::string_view check_size_or_unlimited(std::string_view value);
std::string_view check_unsigned(std::string_view value);
std::string_view check_signed(std::string_view value);
/// --cpus: a decimal number from 0 upwards.
std::string_view check_cpus(std::string_view value);
/// --cpuset-*: "0-3,5"
std::string_view check_list_of_numbers(std::string_view value);
std::string_view check_swappiness(std::string_view value);
std::string_view check_oom_score(std::string_view value);
std::string_view check_blkio_weight(std::string_view value);
/// PATH:WEIGHT, PATH:BYTES and PATH:COUNT; the device is looked up.
std::string_view check_device_weight(std::string_view value);
std::string_view check_device_bytes(std::string_view value);
std::string_view check_device_count(std::string_view value);
/// --device-cgroup-rule: "c 1:3 rwm"
std::string_view check_device_rule(std::string_view value);
std::string_view check_assignment(std::string_view value);
/// Octal, of at most four digits.
std::string_view check_umask(std::string_view value);

/// The forms that these accept, for hints.
inline constexpr std::string_view size_form = "a number of bytes, or with a unit: 65536k, 512m, 1.5g; 0 is no limit";
inline constexpr std::string_view unlimited_form = "a number of bytes, or with a unit: 512m, 1.5g; -1 is no limit";
inline constexpr std::string_view cpus_form = "a number of CPUs such as 0.5 or 2; 0 is no limit";
inline constexpr std::string_view number_list_form = "numbers and ranges, such as 0-3,5";

}  // namespace cmd
