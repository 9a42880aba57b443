#include "runtime/sync.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace runtime {
namespace {

// A message must fit into one packet; a longer text is cut, which only ever hits absurdly long paths.
constexpr std::size_t max_text_bytes = 16 * 1024;

constexpr std::array<std::string_view, 15> sync_names = {
    "nothing",        "successor",  "successor_known", "map_ids_please", "ids_mapped",
    "network_exists", "network_up", "serve_fuse",      "fuse_served",    "cgroup_please",
    "cgroup_entered", "built",      "hooks_ran",       "created",        "failed"};

std::string_view name_of(Sync type) {
  const auto index = static_cast<std::size_t>(type);
  return index < sync_names.size() ? sync_names[index] : "an unknown message";
}

}  // namespace

void send_sync(const base::Channel& channel, Sync type, std::string_view payload, const std::vector<int>& fds) {
  std::string bytes(1, static_cast<char>(type));
  bytes.append(payload);
  channel.send(bytes, fds);
}

SyncMessage receive_sync(const base::Channel& channel) {
  std::optional<base::Channel::Message> message = channel.receive();
  if (!message || message->bytes.empty())
    throw base::make_error(base::ErrorKind::internal, "the other half of the start ended without a word");
  SyncMessage result{.type = static_cast<Sync>(message->bytes.front()),
                     .payload = message->bytes.substr(1),
                     .fds = std::move(message->fds)};
  if (result.type == Sync::failed) throw decode_error(result.payload);
  return result;
}

SyncMessage expect_sync(const base::Channel& channel, Sync type) {
  SyncMessage message = receive_sync(channel);
  if (message.type != type)
    throw base::make_error(base::ErrorKind::internal, "expected ", name_of(type), ", got ", name_of(message.type));
  return message;
}

std::string encode_error(const base::Error& error) {
  const std::string_view message = std::string_view{error.message()}.substr(0, max_text_bytes);
  const std::string_view hint = std::string_view{error.hint()}.substr(0, max_text_bytes);
  return base::concat(static_cast<int>(error.kind()), '\n', error.code(), '\n', message.size(), '\n', message, hint);
}

base::Error decode_error(std::string_view payload) {
  std::array<std::uint64_t, 3> numbers{};  // kind, errno, length of the message
  for (std::uint64_t& number : numbers) {
    const auto field = base::split_once(payload, '\n');
    const auto parsed = field ? base::parse_unsigned(field->first) : std::nullopt;
    if (!parsed) return base::make_error(base::ErrorKind::internal, "the start failed with an unreadable report");
    number = *parsed;
    payload = field->second;
  }
  const std::size_t size = std::min<std::size_t>(numbers[2], payload.size());
  base::Error error{static_cast<base::ErrorKind>(numbers[0]), std::string{payload.substr(0, size)},
                    std::string{payload.substr(size)}};
  return std::move(error).with_code(static_cast<int>(numbers[1]));
}

}  // namespace runtime
