#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "runtime/dbus_message.hpp"

// Any bytes are a message of a D-Bus peer: reading ends with a message or an Error, and a message that was written
// reads as itself.

namespace {

bool is_same(const runtime::DbusMessage& one, const runtime::DbusMessage& other) {
  return one.kind == other.kind && one.serial == other.serial && one.reply_serial == other.reply_serial &&
         one.path == other.path && one.interface == other.interface && one.member == other.member &&
         one.error_name == other.error_name && one.destination == other.destination &&
         one.signature == other.signature && one.body == other.body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  runtime::DbusMessage message;
  try {
    if (bytes.size() < runtime::dbus_fixed_header_bytes || runtime::dbus_message_size(bytes) != bytes.size()) return 0;
    message = runtime::parse_dbus_message(bytes);
  } catch (const base::Error&) {
    return 0;
  }
  if (!is_same(runtime::parse_dbus_message(runtime::write_dbus_message(message)), message)) std::abort();
  return 0;
}
