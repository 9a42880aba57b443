#include "engine/copy_words.hpp"

#include "base/error.hpp"
#include "engine/error_bytes.hpp"

namespace engine {
namespace {

base::Channel::Message receive(const base::Channel& channel) {
  auto message = channel.receive();
  if (!message) throw base::make_error(base::ErrorKind::internal, "the other process of cp died");
  if (message->bytes.starts_with(copy_words::failure)) throw decode_error(message->bytes.substr(1));
  return std::move(*message);
}

}  // namespace

void CopyChannelSink::put(const storage::StreamedEntry& entry, int content) {
  const std::string bytes = base::concat(copy_words::entry, encode_entry(entry));
  try {
    content >= 0 ? channel_.send(bytes, {content}) : channel_.send(bytes);
  } catch (const base::Error& error) {
    if (error.code() != EPIPE) throw;
    receive(channel_);  // why it gave up
    throw;
  }
}

void receive_entries(const base::Channel& channel, storage::EntrySink& sink) {
  for (;;) {
    const base::Channel::Message message = receive(channel);
    if (message.bytes == copy_words::end) return;
    if (!message.bytes.starts_with(copy_words::entry))
      throw base::make_error(base::ErrorKind::internal, "the other process of cp sent something strange");
    const storage::StreamedEntry entry = storage::decode_entry(std::string_view{message.bytes}.substr(1));
    if (entry.type == 'f' && message.fds.empty())
      throw base::make_error(base::ErrorKind::internal, "a file came without its content");
    sink.put(entry, message.fds.empty() ? -1 : message.fds.front().get());
  }
}

std::string receive_answer(const base::Channel& channel, std::string_view word) {
  const base::Channel::Message message = receive(channel);
  if (!message.bytes.starts_with(word))
    throw base::make_error(base::ErrorKind::internal, "the other process of cp sent something strange");
  return message.bytes.substr(word.size());
}

}  // namespace engine
