#include "storage/check_expected.hpp"

#include <utility>

#include "base/error.hpp"

namespace storage {

using Type = OwnerRecord::Type;

ExpectedTree::ExpectedTree() {
  put_new("", {.mode = 0755});  // the root is there whether or not the archive lists it
}

ExpectedTree ExpectedTree::read(int owners_fd) {
  ExpectedTree tree;
  OwnersReader reader(owners_fd);
  while (std::optional<OwnerRecord> record = reader.next()) tree.apply(std::move(*record));
  return tree;
}

ExpectedTree::Entry* ExpectedTree::find(std::string_view path) {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

void ExpectedTree::apply(OwnerRecord record) {
  const std::string path = record.path == "." ? std::string{} : std::move(record.path);
  Entry* const old = find(path);
  const bool was_directory = old != nullptr && inode(*old).type == Type::directory;
  if (record.type == Type::opaque) {
    if (!was_directory)
      throw base::make_error(base::ErrorKind::corrupt, "the owner manifest says that ", base::quoted(path),
                             " is opaque, but not that it is a directory");
    inode(*old).is_opaque = true;
    return;
  }
  if (record.type == Type::hard_link) {
    const Entry* const target = find(record.link);
    if (target == nullptr)
      throw base::make_error(base::ErrorKind::corrupt, "the owner manifest has the hard link ", base::quoted(path),
                             " to nothing");
    const std::size_t shared = target->inode;
    erase_below(path);
    entries_[path] = {.inode = shared};
    return;
  }
  const bool is_same_directory = record.type == Type::directory && was_directory;
  const bool stays_opaque = is_same_directory && inode(*old).is_opaque;
  if (!is_same_directory) erase_below(path);
  put_new(path, {.type = record.type,
                 .mode = record.mode,
                 .uid = record.uid,
                 .gid = record.gid,
                 .size_bytes = record.size_bytes,
                 .sha256_hex = std::move(record.sha256_hex),
                 .capabilities_hex = std::move(record.capabilities_hex),
                 .link = std::move(record.link),
                 .is_opaque = stays_opaque});
}

void ExpectedTree::erase_below(const std::string& path) {
  // "0" is the character after "/".
  entries_.erase(entries_.lower_bound(path + "/"), entries_.lower_bound(path + "0"));
}

void ExpectedTree::put_new(const std::string& path, Inode inode) {
  inodes_.push_back(std::move(inode));
  entries_[path] = {.inode = inodes_.size() - 1};
}

}  // namespace storage
