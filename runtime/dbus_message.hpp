#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace runtime {

// Messages of D-Bus as bytes, as far as talking to systemd needs them. Little-endian only: both ends are one machine.
// Source: D-Bus Specification 0.42, "Message Protocol".

/// A value as the content of a variant; the alternatives are b, i, u, x, t, d, s, ay, au, as, a(ss), a(st).
using DbusValue =
    std::variant<bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, double, std::string,
                 std::vector<std::uint8_t>, std::vector<std::uint32_t>, std::vector<std::string>,
                 std::vector<std::pair<std::string, std::string>>, std::vector<std::pair<std::string, std::uint64_t>>>;

struct DbusProperty {
  std::string name;
  DbusValue value;
};

enum class DbusKind : std::uint8_t { call = 1, reply = 2, error = 3, signal = 4 };

struct DbusMessage {
  DbusKind kind = DbusKind::call;
  std::uint32_t serial = 0;        ///< Of the sender; never 0 on the wire.
  std::uint32_t reply_serial = 0;  ///< Of the call that a reply or an error answers; else 0.
  std::string path, interface, member, error_name, destination;
  std::string signature;  ///< Of the body.
  std::string body;
};

/// What we accept; the specification allows 128 MiB, systemd's answers to us have some hundred bytes.
inline constexpr std::size_t max_dbus_message_bytes = 256 * 1024;
/// The part of a message from which its size is known.
inline constexpr std::size_t dbus_fixed_header_bytes = 16;

/// Writes a body, aligned as the specification says; the signature is up to the caller.
class DbusWriter {
 public:
  void byte(std::uint8_t value);
  void uint32(std::uint32_t value);
  void uint64(std::uint64_t value);
  void text(std::string_view value);       ///< s, o
  void signature(std::string_view value);  ///< g
  void align(std::size_t alignment);
  /// Calls `write_elements` between the array's length and its end. @param alignment   Of an element, in bytes.
  template <class Work>
  void array(std::size_t alignment, Work&& write_elements) {
    const std::size_t length_at = begin_array(alignment);
    const std::size_t start = bytes_.size();
    write_elements();
    end_array(length_at, start);
  }
  void variant(const DbusValue& value);
  void properties(const std::vector<DbusProperty>& properties);  ///< a(sv)
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::size_t begin_array(std::size_t alignment);
  void end_array(std::size_t length_at, std::size_t start);
  // One overload for every alternative of DbusValue.
  void put(bool value);
  void put(double value);
  void put(std::uint8_t value) { byte(value); }
  void put(std::int32_t value) { uint32(static_cast<std::uint32_t>(value)); }
  void put(std::uint32_t value) { uint32(value); }
  void put(std::int64_t value) { uint64(static_cast<std::uint64_t>(value)); }
  void put(std::uint64_t value) { uint64(value); }
  void put(const std::string& value) { text(value); }
  template <class Second>
  void put(const std::pair<std::string, Second>& value);
  template <class Element>
  void put(const std::vector<Element>& elements);
  std::string bytes_;
};

/// Reads values in the order in which they were written. @throws Error corrupt at the first byte that may not be.
class DbusReader {
 public:
  explicit DbusReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t byte();
  std::uint32_t uint32();
  std::string_view text();
  std::string_view signature();
  void align(std::size_t alignment);  ///< Padding must be zero.
  bool at_end() const noexcept { return position_ == bytes_.size(); }
  std::size_t position() const noexcept { return position_; }

 private:
  std::string_view take(std::size_t size);
  std::string_view bytes_;
  std::size_t position_ = 0;
};

/// The D-Bus signature of a value: "as".
std::string_view signature_of(const DbusValue& value);

std::string write_dbus_message(const DbusMessage& message);
/// Size of the whole message in bytes. @param fixed_header   dbus_fixed_header_bytes of it, or more.
/// @throws Error corrupt for what is no message of ours to read, or is longer than max_dbus_message_bytes.
std::size_t dbus_message_size(std::string_view fixed_header);
/// @param bytes   One whole message. @throws Error corrupt.
DbusMessage parse_dbus_message(std::string_view bytes);

}  // namespace runtime
