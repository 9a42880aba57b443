#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/owners.hpp"
#include "storage/unpack.hpp"

namespace storage::test {

/// One raw header of 512 bytes and what follows it. Nothing is checked, so that an archive can be as wrong as wanted.
struct TarItem {
  std::string name;
  char type = '0';
  std::string content;
  std::string link;
  unsigned mode = 0644;
  unsigned uid = 0;
  unsigned gid = 0;
  long mtime = 1'000'000'000;
  std::optional<std::uint64_t> size;  ///< Instead of the content's.
  std::vector<std::pair<std::size_t, std::string>>
      patches;  ///< (offset, bytes) put over the header before its checksum.
  bool bad_checksum = false;
};

/// Builds an archive, byte by byte.
class TarBuilder {
 public:
  TarBuilder& add(const TarItem& item);
  TarBuilder& file(std::string name, std::string content = "x", unsigned mode = 0644);
  TarBuilder& dir(std::string name, unsigned mode = 0755);
  TarBuilder& symlink(std::string name, std::string target);
  TarBuilder& hard_link(std::string name, std::string target);
  TarBuilder& device(std::string name, char type, std::string major, std::string minor);
  /// A pax header ('x', or another type) for the next entry.
  TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x');
  TarBuilder& raw(std::string_view bytes);
  /// The two zero blocks.
  TarBuilder& end();
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

std::string pax_record(std::string_view key, std::string_view value);
std::string gzip(std::string_view bytes);
std::string zstd(std::string_view bytes, int window_log = 0);

/// What came of unpacking an archive in a folder beside a canary.
struct Unpacked {
  UnpackResult result;
  std::optional<base::Error> error;
  std::vector<std::string> tree;  ///< See describe_tree.
  std::vector<OwnerRecord> owners;
  bool canary_intact = false;
  std::string message() const { return error ? error->message() : std::string{}; }
};

struct UnpackOptions {
  oci::LayerCompression compression = oci::LayerCompression::none;
  std::optional<base::Digest> diff_id;  ///< Nothing: the right one of `archive`.
  OwnerPolicy owners = OwnerPolicy::single;
  UnpackLimits limits;
  std::string compressed;  ///< What is read instead of `archive` itself.
  /// Looks at the tree while it is there.
  std::function<void(int diff)> inspect;
};
Unpacked unpack(std::string_view archive, const UnpackOptions& options = {});

/// One line an entry, depth first, names sorted: "f 644 a/b =content", "d 755 a", "l a/l -> target", "w a/gone" for a
/// whiteout, "p 600 fifo", a directory that is opaque "o 755 a". The root is ".".
std::vector<std::string> describe_tree(int dir);

}  // namespace storage::test
