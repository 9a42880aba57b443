#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/stream.hpp"

namespace registry {

/// The files of an image while they are written, to a folder or into an archive. Files may be put from several threads.
class LayoutFiles {
 public:
  virtual ~LayoutFiles() = default;
  /// Whether it is there: put before, or in the folder from the beginning as a file (no link) with these very bytes.
  virtual bool has(const std::string& name, std::uint64_t size_bytes, const base::Digest& digest) = 0;
  /// `write` gives exactly `size_bytes` bytes to the sink; when it throws, nothing of the file stays.
  using Write = std::function<void(base::Sink& sink)>;
  virtual void put(const std::string& name, std::uint64_t size_bytes, const Write& write) = 0;
  void put(const std::string& name, std::string_view bytes) {
    put(name, bytes.size(), [&](base::Sink& sink) { sink.write(bytes); });
  }
  /// A file that was in the folder from the beginning. @throws Error corrupt, when it is longer than `limit_bytes`.
  virtual std::optional<std::string> read_earlier(const std::string& name, std::size_t limit_bytes) = 0;
  /// Makes all files visible; `last` after all others, in one step, because it is what names them.
  virtual void finish(const std::string& last) = 0;
};

/// An archive; path "-" is standard output.
std::unique_ptr<LayoutFiles> write_archive_files(const std::string& path);

/// A folder, made when it is not there. One that is there is refused unless it is empty or has the file `marker`; files
/// in it are replaced by those of the same name.
enum class EarlierFiles {
  kept,
  removed,  ///< When the new ones are in their place.
};
std::unique_ptr<LayoutFiles> write_folder_files(const std::string& path, const std::string& marker,
                                                EarlierFiles earlier);

}  // namespace registry
