#include "runtime/dbus_message.hpp"

#include <bit>
#include <cstring>

#include "base/error.hpp"

static_assert(std::endian::native == std::endian::little, "messages are written in the byte order of this machine");

namespace runtime {
namespace {

enum class Field : std::uint8_t {
  path = 1,
  interface,
  member,
  error_name,
  reply_serial,
  destination,
  sender,
  signature
};

constexpr std::uint8_t little_endian = 'l';
constexpr std::uint8_t protocol_version = 1;

base::Error corrupt(std::string_view problem) {
  return base::make_error(base::ErrorKind::corrupt, "a D-Bus message ", problem);
}

std::size_t padding(std::size_t position, std::size_t alignment) {
  return (alignment - position % alignment) % alignment;
}

template <class Number>
void append_number(std::string& bytes, Number value) {
  char buffer[sizeof value];
  std::memcpy(buffer, &value, sizeof value);
  bytes.append(buffer, sizeof buffer);
}

void write_field(DbusWriter& writer, Field field, std::string_view signature, std::string_view text) {
  if (text.empty()) return;
  writer.align(8);
  writer.byte(static_cast<std::uint8_t>(field));
  writer.signature(signature);
  if (signature == "g") {
    writer.signature(text);
  } else {
    writer.text(text);
  }
}

// Fields that we do not know must be skipped; all that exist have one of these types.
void read_field(DbusReader& reader, DbusMessage& message) {
  const auto field = static_cast<Field>(reader.byte());
  const std::string_view signature = reader.signature();
  if (signature == "u") {
    const std::uint32_t number = reader.uint32();
    if (field == Field::reply_serial) message.reply_serial = number;
    return;
  }
  if (signature != "s" && signature != "o" && signature != "g") throw corrupt("has a header field of a strange type");
  const std::string text{signature == "g" ? reader.signature() : reader.text()};
  if (signature == "g" && field == Field::signature) message.signature = text;
  if (signature == "o" && field == Field::path) message.path = text;
  if (signature != "s") return;
  if (field == Field::interface) message.interface = text;
  if (field == Field::member) message.member = text;
  if (field == Field::error_name) message.error_name = text;
  if (field == Field::destination) message.destination = text;
}

void check_fields(const DbusMessage& message) {
  const bool is_answer = message.kind == DbusKind::reply || message.kind == DbusKind::error;
  if (message.serial == 0) throw corrupt("has no serial number");
  if (is_answer != (message.reply_serial != 0)) throw corrupt("answers nothing, or is no answer");
  if (message.kind == DbusKind::error && message.error_name.empty()) throw corrupt("is an error without a name");
  if (message.kind == DbusKind::signal &&
      (message.path.empty() || message.interface.empty() || message.member.empty())) {
    throw corrupt("is a signal without a name");
  }
  if (message.signature.empty() != message.body.empty()) throw corrupt("has a body and a signature that disagree");
}

}  // namespace

void DbusWriter::align(std::size_t alignment) {
  bytes_.append(padding(bytes_.size(), alignment), '\0');
}

void DbusWriter::byte(std::uint8_t value) {
  bytes_.push_back(static_cast<char>(value));
}

void DbusWriter::uint32(std::uint32_t value) {
  align(4);
  append_number(bytes_, value);
}

void DbusWriter::uint64(std::uint64_t value) {
  align(8);
  append_number(bytes_, value);
}

void DbusWriter::text(std::string_view value) {
  uint32(static_cast<std::uint32_t>(value.size()));
  bytes_.append(value).push_back('\0');
}

void DbusWriter::signature(std::string_view value) {
  byte(static_cast<std::uint8_t>(value.size()));
  bytes_.append(value).push_back('\0');
}

std::size_t DbusWriter::begin_array(std::size_t alignment) {
  align(4);
  const std::size_t length_at = bytes_.size();
  uint32(0);
  align(alignment);  // This padding is no part of the array's length.
  return length_at;
}

void DbusWriter::end_array(std::size_t length_at, std::size_t start) {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + length_at, &length, sizeof length);
}

std::string_view signature_of(const DbusValue& value) {
  constexpr std::string_view signatures[] = {"b", "i", "u", "x", "t", "d", "s", "ay", "au", "as", "a(ss)", "a(st)"};
  static_assert(std::size(signatures) == std::variant_size_v<DbusValue>);
  return signatures[value.index()];
}

void DbusWriter::put(bool value) {
  uint32(value ? 1 : 0);
}

void DbusWriter::put(double value) {
  uint64(std::bit_cast<std::uint64_t>(value));
}

template <class Second>
void DbusWriter::put(const std::pair<std::string, Second>& value) {
  align(8);
  text(value.first);
  put(value.second);
}

template <class Element>
void DbusWriter::put(const std::vector<Element>& elements) {
  constexpr bool is_of_four_bytes = std::is_same_v<Element, std::string> || std::is_same_v<Element, std::uint32_t>;
  constexpr std::size_t alignment = std::is_same_v<Element, std::uint8_t> ? 1 : is_of_four_bytes ? 4 : 8;
  array(alignment, [&] {
    for (const Element& element : elements) put(element);
  });
}

void DbusWriter::variant(const DbusValue& content) {
  signature(signature_of(content));
  std::visit([this](const auto& value) { put(value); }, content);
}

void DbusWriter::properties(const std::vector<DbusProperty>& properties) {
  array(8, [&] {
    for (const DbusProperty& property : properties) {
      align(8);
      text(property.name);
      variant(property.value);
    }
  });
}

std::string_view DbusReader::take(std::size_t size) {
  if (size > bytes_.size() - position_) throw corrupt("is shorter than it says");
  position_ += size;
  return bytes_.substr(position_ - size, size);
}

void DbusReader::align(std::size_t alignment) {
  for (const char padding_byte : take(padding(position_, alignment))) {
    if (padding_byte != '\0') throw corrupt("has padding that is not zero");
  }
}

std::uint8_t DbusReader::byte() {
  return static_cast<std::uint8_t>(take(1)[0]);
}

std::uint32_t DbusReader::uint32() {
  align(4);
  std::uint32_t value = 0;
  std::memcpy(&value, take(sizeof value).data(), sizeof value);
  return value;
}

std::string_view DbusReader::text() {
  const std::string_view value = take(uint32());
  if (take(1)[0] != '\0' || value.find('\0') != std::string_view::npos) throw corrupt("has a text with a NUL inside");
  return value;
}

std::string_view DbusReader::signature() {
  const std::string_view value = take(byte());
  if (take(1)[0] != '\0' || value.find('\0') != std::string_view::npos)
    throw corrupt("has a signature with a NUL inside");
  return value;
}

std::string write_dbus_message(const DbusMessage& message) {
  DbusWriter writer;
  writer.byte(little_endian);
  writer.byte(static_cast<std::uint8_t>(message.kind));
  writer.byte(0);  // Flags: an answer is expected, nothing is started for us.
  writer.byte(protocol_version);
  writer.uint32(static_cast<std::uint32_t>(message.body.size()));
  writer.uint32(message.serial);
  writer.array(8, [&] {
    write_field(writer, Field::path, "o", message.path);
    write_field(writer, Field::interface, "s", message.interface);
    write_field(writer, Field::member, "s", message.member);
    write_field(writer, Field::error_name, "s", message.error_name);
    if (message.reply_serial != 0) {
      writer.align(8);
      writer.byte(static_cast<std::uint8_t>(Field::reply_serial));
      writer.signature("u");
      writer.uint32(message.reply_serial);
    }
    write_field(writer, Field::destination, "s", message.destination);
    write_field(writer, Field::signature, "g", message.signature);
  });
  writer.align(8);
  return writer.bytes() + message.body;
}

std::size_t dbus_message_size(std::string_view fixed_header) {
  DbusReader reader{fixed_header.substr(0, dbus_fixed_header_bytes)};
  if (reader.byte() != little_endian) throw corrupt("is not in this machine's byte order");
  const std::uint8_t kind = reader.byte();
  if (kind < 1 || kind > 4) throw corrupt("is of no known type");
  reader.byte();
  if (reader.byte() != protocol_version) throw corrupt("is of another version of the protocol");
  const std::size_t body = reader.uint32();
  reader.uint32();
  const std::size_t fields = reader.uint32();
  if (body > max_dbus_message_bytes || fields > max_dbus_message_bytes) throw corrupt("is too long");
  const std::size_t header = dbus_fixed_header_bytes + fields + padding(fields, 8);
  if (header + body > max_dbus_message_bytes) throw corrupt("is too long");
  return header + body;
}

DbusMessage parse_dbus_message(std::string_view bytes) {
  if (dbus_message_size(bytes) != bytes.size()) throw corrupt("has another length than it says");
  DbusReader reader{bytes};
  reader.byte();
  DbusMessage message;
  message.kind = static_cast<DbusKind>(reader.byte());
  reader.byte();
  reader.byte();
  const std::size_t body_size = reader.uint32();
  message.serial = reader.uint32();
  const std::size_t fields_end = dbus_fixed_header_bytes + reader.uint32();
  while (reader.position() < fields_end) {
    reader.align(8);
    read_field(reader, message);
  }
  if (reader.position() != fields_end) throw corrupt("has a header field that is cut off");
  reader.align(8);
  if (bytes.size() - reader.position() != body_size) throw corrupt("has another length than it says");
  message.body = bytes.substr(reader.position());
  check_fields(message);
  return message;
}

}  // namespace runtime
