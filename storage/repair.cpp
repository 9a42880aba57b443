#include "storage/repair.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/container_names.hpp"
#include "storage/layout.hpp"
#include "storage/trash.hpp"

namespace storage {
namespace {

/// What all variants share; the layer in staging has its record under another name than the variant's own.
void replace_common_file(int staged, const char* staged_name, int layer, const char* name) {
  if (base::exists(staged, staged_name)) base::rename_replace(staged, staged_name, layer, name);
}

void exchange_or_move(const Store& store, int staging_dir, const std::string& name, const std::string& path) {
  if (base::rename_no_replace(staging_dir, name, store.root(), path)) return;
  if (::renameat2(staging_dir, name.c_str(), store.root(), path.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw base::os_error("replacing ", base::quoted(path));
  move_to_trash(store, path);  // a file system that cannot exchange: killed now, the layer is missing until a repair
  base::rename_no_replace(staging_dir, name, store.root(), path);
}

}  // namespace

void replace_layer(const Store& store, const GcLock&, int staging_dir, const std::string& name,
                   const base::Digest& chain, const std::string& variant) {
  {
    const base::UniqueFd staged = base::open_directory(staging_dir, name);
    if (!base::exists(staged.get(), "diff"))
      throw base::make_error(base::ErrorKind::internal, "replacing layer ", chain, " by nothing");
    const base::UniqueFd layer = base::make_directory(store.root(), layout::layer(chain));
    replace_common_file(staged.get(), "layer-meta", layer.get(), "meta");
    replace_common_file(staged.get(), "owners", layer.get(), "owners");
  }
  exchange_or_move(store, staging_dir, name, layout::layer_variant(chain, variant));
  // The damaged one will be deleted; power loss may not bring back what is left of it then.
  base::flush(base::open_directory(store.root(), layout::layer(chain)).get(), "the folder of the layer");
  for (const std::string& merged : base::list_directory(store.root(), "merged"))
    if (merged.ends_with("-" + variant)) move_to_trash(store, base::concat("merged/", merged));
}

void restore_container_name(const Store& store, const ContainerDir& container) {
  const ContainerRecord record = read_record(container);
  if (record.name.empty()) return;
  const std::string path = layout::container_name(record.name);
  if (is_name_in_use(store, record.name) && id_of_name(store, record.name) == record.id) return;
  remove_stale_names(store);  // a damaged link is nobody's
  const std::string source = base::concat(layout::container(container.id), "/record");
  if (::linkat(store.root(), source.c_str(), store.root(), path.c_str(), 0) != 0)
    throw base::os_error("giving container ", container.id.substr(0, 12), " its name ", base::quoted(record.name));
}

void restore_container_state(const ContainerDir& container, const base::FileLock& container_lock) {
  write_state(container, container_lock, read_state(container));
}

}  // namespace storage
