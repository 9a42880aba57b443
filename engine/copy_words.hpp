#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/fd.hpp"
#include "storage/tree_stream.hpp"

// What the two processes of cp say to each other. Time flows down; words of a request are separated by NUL.
//
//   command                              helper
//   stat PATH                ─────────▶
//                            ◀─────────  = kind, whether the directory above is there, name behind all links
//   get PATH                 ─────────▶
//                            ◀─────────  e entries (+ descriptors), many; then .
//   put DIRECTORY NAME …     ─────────▶
//   e entries (+ descriptors), many; then . ▶
//                            ◀─────────  .
//                            ◀─────────  ! error, at any time; nothing comes after it

namespace engine {

namespace copy_words {
inline constexpr std::string_view place = "=", entry = "e", end = ".", failure = "!";
}

/// Several entries a message, because each message wakes the other process. What is read from a pipe goes at once.
class CopyChannelSink final : public storage::EntrySink {
 public:
  explicit CopyChannelSink(const base::Channel& channel) : channel_(channel) {}
  void put(const storage::StreamedEntry& entry, int content) override;
  /// Sends what is left, and that it was all.
  void finish();

 private:
  void flush();
  const base::Channel& channel_;
  std::string bytes_;  ///< Size and bytes of each entry.
  std::vector<base::UniqueFd> contents_;
};

/// Until the end. @throws Error that the other side sent; internal, when it died.
void receive_entries(const base::Channel& channel, storage::EntrySink& sink);
/// One answer without its first byte, which must be `word`.
std::string receive_answer(const base::Channel& channel, std::string_view word);

}  // namespace engine
