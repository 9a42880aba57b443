#include "engine/unpack_protocol.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace engine {
namespace {

constexpr std::size_t max_error_bytes = 8 * 1024;

char byte_of(UnpackMessage kind) {
  return static_cast<char>(kind);
}

base::Error malformed(std::string_view message) {
  return base::make_error(base::ErrorKind::internal,
                          "malformed message between pull and its unpacking child: ", base::quoted(message));
}

std::vector<std::string_view> fields_of(std::string_view message, UnpackMessage expected) {
  const UnpackMessage kind = kind_of(message);
  if (kind != expected)
    throw base::make_error(base::ErrorKind::internal, "message ", static_cast<int>(kind), " came instead of ",
                           static_cast<int>(expected), " between pull and its unpacking child");
  return base::split(message.substr(1), '\n');
}

std::vector<std::string_view> fields_of(std::string_view message, UnpackMessage expected, std::size_t count) {
  std::vector<std::string_view> fields = fields_of(message, expected);
  if (fields.size() != count) throw malformed(message);
  return fields;
}

std::string name_in(std::string_view field) {
  if (field.empty() || field == "." || field == ".." || field.find('/') != std::string_view::npos)
    throw malformed(field);
  return std::string{field};
}

std::uint64_t number_in(std::string_view field, std::uint64_t most) {
  const std::optional<std::uint64_t> number = base::parse_unsigned(field);
  if (!number || *number > most) throw malformed(field);
  return *number;
}

storage::OwnerPolicy policy_in(std::string_view field) {
  return static_cast<storage::OwnerPolicy>(number_in(field, static_cast<int>(storage::OwnerPolicy::single)));
}

/// One line without the separator of fields; long texts are cut, the child may be lying.
std::string line_of(std::string_view text) {
  std::string line{text.substr(0, max_error_bytes)};
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

base::Error decode_error(std::string_view message) {
  const auto fields = fields_of(message, UnpackMessage::failed, 4);
  const auto kind =
      static_cast<base::ErrorKind>(number_in(fields[0], static_cast<std::uint64_t>(base::ErrorKind::internal)));
  return base::Error{kind, line_of(fields[2]), line_of(fields[3])}.with_code(
      static_cast<int>(number_in(fields[1], 4095)));
}

}  // namespace

std::string encode(const StagingPlace& place) {
  std::string message = base::concat(byte_of(UnpackMessage::staging), place.name);
  for (const storage::UnpackLimit& limit : storage::unpack_limits)
    message += base::concat('\n', place.limits.*limit.value);
  for (const std::string& lower : place.lowers) message += base::concat('\n', lower);
  return message;
}

std::string encode(const VolumePlace& place) {
  std::string message = base::concat(byte_of(UnpackMessage::volume), static_cast<int>(place.owners));
  for (const storage::UnpackLimit& limit : storage::unpack_limits)
    message += base::concat('\n', place.limits.*limit.value);
  return message;
}

std::string encode(const AdoptJob& job) {
  std::string message =
      base::concat(byte_of(UnpackMessage::adopt), job.folder, '\n', static_cast<int>(job.owners), '\n', job.variant);
  for (const AdoptJob::Lower& lower : job.lowers) message += base::concat('\n', lower.staged ? 's' : 'l', lower.folder);
  return message;
}

std::string encode(const LayerJob& job) {
  return base::concat(byte_of(UnpackMessage::unpack), static_cast<int>(job.compression), '\n', job.diff_id, '\n',
                      static_cast<int>(job.owners));
}

std::string encode(const storage::UnpackResult& result) {
  return base::concat(byte_of(UnpackMessage::unpacked), result.unpacked_bytes, '\n', result.entries, '\n',
                      result.skipped_devices, '\n', result.dropped_xattrs, '\n', result.implied_directories);
}

std::string encode(const base::Error& error) {
  return base::concat(byte_of(UnpackMessage::failed), static_cast<int>(error.kind()), '\n', error.code(), '\n',
                      line_of(error.message()), '\n', line_of(error.hint()));
}

std::string encode_done() {
  return std::string{byte_of(UnpackMessage::done)};
}

UnpackMessage kind_of(std::string_view message) {
  if (message.empty() || message[0] < byte_of(UnpackMessage::staging) || message[0] > byte_of(UnpackMessage::volume))
    throw malformed(message);
  return static_cast<UnpackMessage>(message[0]);
}

StagingPlace decode_staging(std::string_view message) {
  const auto fields = fields_of(message, UnpackMessage::staging);
  if (fields.size() <= storage::unpack_limits.size()) throw malformed(message);
  StagingPlace place{.name = name_in(fields[0]), .limits = {}, .lowers = {}};
  std::size_t next = 1;
  for (const storage::UnpackLimit& limit : storage::unpack_limits)
    place.limits.*limit.value = number_in(fields[next++], limit.most);
  for (; next < fields.size(); ++next) place.lowers.push_back(name_in(fields[next]));
  return place;
}

VolumePlace decode_volume(std::string_view message) {
  const auto fields = fields_of(message, UnpackMessage::volume, storage::unpack_limits.size() + 1);
  VolumePlace place{.owners = policy_in(fields[0]), .limits = {}};
  std::size_t next = 1;
  for (const storage::UnpackLimit& limit : storage::unpack_limits)
    place.limits.*limit.value = number_in(fields[next++], limit.most);
  return place;
}

AdoptJob decode_adopt(std::string_view message) {
  const auto fields = fields_of(message, UnpackMessage::adopt);
  if (fields.size() < 3) throw malformed(message);
  AdoptJob job{name_in(fields[0]), policy_in(fields[1]), name_in(fields[2]), {}};
  for (std::size_t i = 3; i < fields.size(); ++i) {
    if (!fields[i].starts_with('s') && !fields[i].starts_with('l')) throw malformed(message);
    job.lowers.push_back({fields[i][0] == 's', name_in(fields[i].substr(1))});
  }
  return job;
}

LayerJob decode_job(std::string_view message) {
  const auto fields = fields_of(message, UnpackMessage::unpack, 3);
  return {static_cast<oci::LayerCompression>(number_in(fields[0], static_cast<int>(oci::LayerCompression::zstd))),
          base::Digest::parse(fields[1]), policy_in(fields[2])};
}

storage::UnpackResult decode_result(std::string_view message) {
  if (kind_of(message) == UnpackMessage::failed) throw decode_error(message);
  const auto fields = fields_of(message, UnpackMessage::unpacked, 5);
  return {.unpacked_bytes = number_in(fields[0], UINT64_MAX),
          .entries = number_in(fields[1], UINT64_MAX),
          .skipped_devices = number_in(fields[2], UINT64_MAX),
          .dropped_xattrs = number_in(fields[3], UINT64_MAX),
          .implied_directories = number_in(fields[4], UINT64_MAX)};
}

}  // namespace engine
