#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace runtime {

/// Builds the flat buffers of runtime/stub/plan.h and monitor_plan.h: a header, then 8-aligned arrays and strings.
class StubBuffer {
 public:
  /// @param what  Names the plan in errors.
  StubBuffer(std::size_t header_bytes, std::size_t max_bytes, std::string_view what);

  /// Offset of the text. @throws Error invalid_argument when it holds a NUL.
  std::uint32_t add_string(std::string_view text);
  /// Offset of an array of string offsets; 0 when there are none.
  std::uint32_t add_strings(const std::vector<std::string>& texts);
  /// Offset of plain data, 8-aligned; 0 when there is none.
  std::uint32_t add_bytes(const void* bytes, std::size_t size);

  /// Bytes up to now, and the NUL that finish() appends.
  std::uint32_t total_size() const { return checked(bytes_.size() + 1); }
  /// Puts the header in place and appends the final NUL.
  std::string finish(const void* header) &&;

 private:
  std::uint32_t checked(std::size_t size) const;
  std::size_t header_bytes_;
  std::size_t max_bytes_;
  std::string_view what_;
  std::string bytes_;
};

/// An embedded image as an executable, sealed memfd called `name`; see make_stage_executable.
base::UniqueFd make_executable(const char* name, std::string_view image);

/// execveat(executable_fd) with argv {name, "<plan_fd>"} and an empty environment. Only returns when it fails: errno.
int exec_stub(int executable_fd, const char* name, int plan_fd) noexcept;

/// Clears close-on-exec without throwing; -1 is ignored. @return false with errno.
bool make_inheritable(int fd) noexcept;

}  // namespace runtime
