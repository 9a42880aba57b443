#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace base {

/// Where long work reports. Calls may come from several threads; an implementation locks.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A piece of work starts, for example layer "4bcf0a9d3e21". `total_bytes` 0: not known.
  virtual void begin(std::string_view item, std::uint64_t total_bytes) = 0;
  virtual void advance(std::string_view item, std::uint64_t done_bytes) = 0;
  /// `outcome` is a word or two for the user: "done", "already exists".
  virtual void end(std::string_view item, std::string_view outcome) = 0;
  /// A line of its own: "Trying to pull docker.io/library/busybox:latest..."
  virtual void note(std::string_view text) = 0;
};

/// Reports nothing.
class NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::string_view, std::uint64_t) override {}
  void end(std::string_view, std::string_view) override {}
  void note(std::string_view) override {}
};

}  // namespace base
