#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/owners.hpp"
#include "storage/unpack.hpp"
#include "storage/unpack_free_space.hpp"
#include "storage/unpack_tar.hpp"
#include "storage/unpack_tree.hpp"

namespace storage {

/// What names like ".wh.x" mean.
enum class Markers {
  whiteouts,  ///< In layers: what they hide. Written as overlay has it.
  none,       ///< In archives of files: nothing.
};

/// Puts the entries of one archive into a layer's tree and its owner manifest.
///
/// Modes on disk are the true ones under both owner policies: whoever reads the tree later is root of a user namespace
/// in which all its owners are mapped. While unpacking, directories are 0700; their modes and times come last, children
/// before parents. A directory that no entry describes is 0755, owned by 0:0, and dated 1970, so that unpacking the
/// same bytes twice gives the same tree; what the layers below say of it comes later (implied_directories.hpp).
class LayerWriter {
 public:
  /// `diff`, `owners` and `budget` are borrowed. Without markers the tree may have had something in it before: then
  /// entries are added or replace what has their name, and directories that no entry describes stay as they are.
  LayerWriter(int diff, int owners, OwnerPolicy policy, const UnpackLimits& limits, UnpackBudget& budget,
              Markers markers = Markers::whiteouts);
  /// Reads the entry's content from `archive`.
  void add(const tar::Entry& entry, tar::Reader& archive);
  /// Applies what had to wait and ends the manifest.
  UnpackResult finish();
  /// What no entry described and no whiteout of this layer hides from those below; parents first.
  std::vector<std::string> implied_directories() const;
  bool hides_all_below() const noexcept { return hides_all_below_; }

 private:
  struct PendingDirectory {
    mode_t mode;
    tar::Timestamp mtime;
    bool implied = false;
  };

  /// Whether `path` belongs to the whiteouts and markers of the image format; they are never written by their name.
  bool take_marker(const LayerPath& path);
  void add_whiteout(const LayerPath& marker);
  void set_opaque(const std::string& path, int dir);
  void add_directory(const tar::Entry& entry, const LayerPath& path);
  void add_file(const tar::Entry& entry, const LayerPath& path, tar::Reader& archive);
  void add_symlink(const tar::Entry& entry, const LayerPath& path);
  void add_hard_link(const tar::Entry& entry, const LayerPath& path);
  void add_fifo(const tar::Entry& entry, const LayerPath& path);
  void add_device(const tar::Entry& entry, const LayerPath& path);

  void count_entry();
  void note_directory(const std::string& path, const PendingDirectory& pending);
  void note_made_directory(const std::string& path, int dir, bool whiteout);
  void forget_directories(const std::string& path);
  /// Calls `make` with the name of `path` until it returns 0; what is in the way is removed first.
  template <class Make>
  void create(int parent, const LayerPath& path, const Make& make);
  /// The allowed ones; returns the value of security.capability, to be set when nothing else can clear it any more.
  std::string_view set_xattrs(int fd, const tar::Entry& entry, bool is_file);
  void set_capabilities(int fd, std::string_view value, OwnerRecord& record);
  void give_to_owner(int dir, const char* name, const tar::Entry& entry);
  OwnerRecord record_of(OwnerRecord::Type type, const tar::Entry& entry, const LayerPath& path) const;

  OwnerPolicy policy_;
  Markers markers_;
  UnpackLimits limits_;
  UnpackBudget& budget_;
  FreeSpaceGuard free_space_;
  LayerTree tree_;
  OwnersWriter owners_;
  std::set<std::string> skipped_;  ///< Devices, so that hard links to them are skipped too.
  std::map<std::string, PendingDirectory> directories_;
  std::size_t directories_bytes_ = 0;
  bool hides_all_below_ = false;
  UnpackResult result_;
};

}  // namespace storage
