#include "storage/container_list.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/container_records.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"

namespace storage {

ContainerList::ContainerList(const Store& store) : folder_(base::open_directory(store.root(), "containers")) {}

std::vector<std::string> ContainerList::ids(const Store& store) {
  std::vector<std::string> ids = names_in(store.root(), "containers");
  const auto others = std::partition(ids.begin(), ids.end(), layout::is_container_id);
  const bool has_unborn = std::any_of(others, ids.end(), [](const auto& name) { return name.starts_with(".new-"); });
  ids.erase(others, ids.end());
  if (has_unborn) remove_unborn_containers(store);
  return ids;
}

ListedContainer ContainerList::record(const std::string& id) {
  const auto bytes = files_.read(folder_.get(), base::concat(id, "/record"), max_record_bytes);
  if (!bytes) throw base::make_error(base::ErrorKind::not_found, "container ", id, " was removed");
  return parse_listed_record(*bytes, id);
}

}  // namespace storage
