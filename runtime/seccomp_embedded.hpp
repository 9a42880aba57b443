#pragma once

#include <cstddef>
#include <cstdint>
#include <linux/filter.h>
#include <string_view>

namespace runtime {

/// The default profile of one usual capability set, and its program; made at build time by seccomp_generate.cpp.
struct EmbeddedSeccomp {
  std::uint64_t capabilities;  ///< Only those that make a difference (seccomp_relevant_capabilities).
  std::string_view json;
  const sock_filter* program;
  std::size_t length;
};

extern const EmbeddedSeccomp embedded_seccomp[];
extern const std::size_t embedded_seccomp_count;

}  // namespace runtime
