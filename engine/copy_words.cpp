#include "engine/copy_words.hpp"

#include <cstdint>
#include <cstring>
#include <sys/stat.h>

#include "base/error.hpp"
#include "engine/error_bytes.hpp"

namespace engine {
namespace {

constexpr std::size_t enough_bytes = 12UL * 1024;
// All that lie in the queue of the socket count against the user's limit of descriptors: unix(7), ETOOMANYREFS.
constexpr std::size_t enough_contents = 16;

base::Channel::Message receive(const base::Channel& channel) {
  auto message = channel.receive();
  if (!message) throw base::make_error(base::ErrorKind::internal, "the other process of cp died");
  if (message->bytes.starts_with(copy_words::failure)) throw decode_error(message->bytes.substr(1));
  return std::move(*message);
}

/// @throws Error that the other side has sent, when it is gone for that.
void send(const base::Channel& channel, std::string_view bytes, const std::vector<int>& fds) {
  try {
    channel.send(bytes, fds);
  } catch (const base::Error& error) {
    if (error.code() != EPIPE) throw;
    receive(channel);  // why it gave up
    throw;
  }
}

base::Error strange() {
  return base::make_error(base::ErrorKind::internal, "the other process of cp sent something strange");
}

std::string_view next_entry(std::string_view& bytes) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) throw strange();
  std::memcpy(&size, bytes.data(), sizeof size);
  if (bytes.size() - sizeof size < size) throw strange();
  const std::string_view entry = bytes.substr(sizeof size, size);
  bytes.remove_prefix(sizeof size + size);
  return entry;
}

}  // namespace

void CopyChannelSink::put(const storage::StreamedEntry& entry, int content) {
  const std::string encoded = encode_entry(entry);
  if (bytes_.size() + encoded.size() > enough_bytes || contents_.size() == enough_contents) flush();
  const auto size = static_cast<std::uint32_t>(encoded.size());
  bytes_.append(reinterpret_cast<const char*>(&size), sizeof size).append(encoded);
  if (content < 0) return;
  contents_.push_back(base::duplicate(content));
  struct stat info {};
  if (::fstat(content, &info) != 0 || !S_ISREG(info.st_mode)) flush();  // who fills a pipe waits for its reader
}

void CopyChannelSink::flush() {
  if (bytes_.empty()) return;
  std::vector<int> fds;
  for (const base::UniqueFd& content : contents_) fds.push_back(content.get());
  send(channel_, base::concat(copy_words::entry, bytes_), fds);
  bytes_.clear();
  contents_.clear();
}

void CopyChannelSink::finish() {
  flush();
  send(channel_, copy_words::end, {});
}

void receive_entries(const base::Channel& channel, storage::EntrySink& sink) {
  for (;;) {
    const base::Channel::Message message = receive(channel);
    if (message.bytes == copy_words::end) return;
    if (!message.bytes.starts_with(copy_words::entry)) throw strange();
    std::string_view rest = std::string_view{message.bytes}.substr(copy_words::entry.size());
    std::size_t contents = 0;
    while (!rest.empty()) {
      const storage::StreamedEntry entry = storage::decode_entry(next_entry(rest));
      const bool has_content = entry.type == 'f';
      if (has_content && contents == message.fds.size())
        throw base::make_error(base::ErrorKind::internal, "a file came without its content");
      sink.put(entry, has_content ? message.fds[contents++].get() : -1);
    }
  }
}

std::string receive_answer(const base::Channel& channel, std::string_view word) {
  const base::Channel::Message message = receive(channel);
  if (!message.bytes.starts_with(word)) throw strange();
  return message.bytes.substr(word.size());
}

}  // namespace engine
