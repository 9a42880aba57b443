#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "storage/unpack_bytes.hpp"
#include "storage/unpack_limits.hpp"
#include "storage/unpack_tar_fields.hpp"

namespace storage::tar {

enum class EntryType { file, directory, symlink, hard_link, fifo, character_device, block_device };

struct Entry {
  EntryType type = EntryType::file;
  std::string path;  ///< As the archive says; whoever writes it to disk checks it.
  std::string link;
  std::uint64_t size = 0;  ///< Of the file, holes included; 0 for everything but files.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  mode_t mode = 0;  ///< 07777 at most.
  Timestamp mtime;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
  bool sparse = false;
  std::vector<SparseSpan> spans;  ///< Where the stored bytes of a sparse file belong.
};

/// Reads v7, ustar, pax and GNU archives. Behaves as Go's archive/tar, by which images are usually made and read:
/// global pax headers are ignored, only files have data, a single zero block inside is an error, and an archive may end
/// without its two zero blocks. Every length is bounded; text is bytes, whatever the locale.
class Reader {
 public:
  Reader(LayerBytes& bytes, const UnpackLimits& limits) : bytes_(bytes), limits_(limits) {}
  /// Passes over what is left of the entry before. False at the end of the archive. @throws Error corrupt, unsupported.
  bool next(Entry& entry);
  /// At most `limit_bytes` of the stored bytes of the entry's content, without a copy; empty at its end.
  std::string_view data(std::size_t limit_bytes = UnpackRing::buffer_bytes);

 private:
  struct Extensions {
    bool any = false;
    PaxRecords pax;
    std::string long_name, long_link;
  };
  bool read_header(Block& block);
  /// True when `block` was an extension header, now kept in `extensions` or ignored.
  bool take_extension(const Block& block, Extensions& extensions);
  std::string read_extension(const Block& block);
  void fill(Entry& entry, const Block& block, Extensions& extensions);
  void fill_ids(Entry& entry, const Block& block, const PaxRecords& pax);
  void fill_names(Entry& entry, const Block& block, Extensions& extensions);
  void fill_content(Entry& entry, const Block& block, PaxRecords& pax);
  void read_gnu_sparse_map(Entry& entry, const Block& block);
  void read_pax_sparse_map(Entry& entry);
  void skip_rest();

  LayerBytes& bytes_;
  UnpackLimits limits_;
  std::uint64_t stored_left_ = 0;  ///< Content bytes of this entry that were not read yet.
  std::uint64_t padding_ = 0;      ///< After them, up to the next block.
};

}  // namespace storage::tar
