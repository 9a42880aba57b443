#pragma once

#include <optional>
#include <string_view>

#include "base/channel.hpp"
#include "storage/tree_stream.hpp"

// What the two processes of cp say to each other. Time flows down; words of a request are separated by NUL.
//
//   command                              helper
//   stat PATH                ─────────▶
//                            ◀─────────  = kind, whether the directory above is there, name behind all links
//   get PATH                 ─────────▶
//                            ◀─────────  e entry (+ descriptor), many; then .
//   put DIRECTORY NAME …     ─────────▶
//   e entry (+ descriptor), many; then . ▶
//                            ◀─────────  .
//                            ◀─────────  ! error, at any time; nothing comes after it

namespace engine {

namespace copy_words {
inline constexpr std::string_view place = "=", entry = "e", end = ".", failure = "!";
}

class CopyChannelSink final : public storage::EntrySink {
 public:
  explicit CopyChannelSink(const base::Channel& channel) : channel_(channel) {}
  void put(const storage::StreamedEntry& entry, int content) override;

 private:
  const base::Channel& channel_;
};

/// Until the end. @throws Error that the other side sent; internal, when it died.
void receive_entries(const base::Channel& channel, storage::EntrySink& sink);
/// One answer without its first byte, which must be `word`.
std::string receive_answer(const base::Channel& channel, std::string_view word);

}  // namespace engine
