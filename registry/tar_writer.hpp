#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace registry {

/// Writes the tar of an image archive: few members, most of them large. Owner 0, time 0 and fixed modes, so that the
/// same image gives the same bytes. Names have at most 100 bytes, which is enough for what image archives hold.
/// Source: pax(1) "ustar Interchange Format"; sizes of 8 GiB and more are base-256 as GNU tar writes them.
class TarWriter {
 public:
  /// Writes to `fd`, which is borrowed, from its position on.
  explicit TarWriter(int fd);

  void add_file(const std::string& name, std::string_view bytes);
  void add_folder(const std::string& name);
  void add_link(const std::string& name, std::string_view target);

  /// A member in pieces; exactly `size_bytes` must follow before end_file. @throws Error internal otherwise.
  void begin_file(const std::string& name, std::uint64_t size_bytes);
  void write(std::string_view bytes);
  void end_file();

  /// Whether a header can be written after its member: true for a regular file.
  bool can_go_back() const noexcept { return can_go_back_; }
  /// A member whose name and size are only known when it is there. Needs can_go_back.
  void begin_unnamed_file();
  /// Bytes of the member so far.
  std::uint64_t member_bytes() const noexcept { return member_bytes_; }
  void end_unnamed_file(const std::string& name);
  /// As if it had never begun.
  void discard_unnamed_file();

  /// The end of the archive: two blocks of zeros.
  void finish();

 private:
  void write_header(const std::string& name, char type, std::uint64_t size_bytes, std::string_view link);
  void pad();

  int fd_;
  bool can_go_back_ = false;
  std::uint64_t promised_bytes_ = 0;
  std::uint64_t member_bytes_ = 0;
  std::uint64_t header_at_ = 0;  ///< Of an unnamed file, in bytes from the start of the file.
};

}  // namespace registry
