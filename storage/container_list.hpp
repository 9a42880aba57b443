#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "storage/containers.hpp"
#include "storage/small_files.hpp"

namespace storage {

/// What lists show of a record and choose by, each as in a ContainerRecord. There may be thousands: no more than this.
struct ListedContainer {
  std::string id, name, created, image_name, image_id, manifest, rootfs;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> named_volumes;
  std::string network = "private";
  std::vector<std::string> ports;
  bool auto_remove = false;
};

/// A look at many containers, by the open folder of all: nothing is opened for one of them but its files.
class ContainerList {
 public:
  explicit ContainerList(const Store& store);
  /// As list_container_ids, but in no order and without a look for names that nobody has any more.
  static std::vector<std::string> ids(const Store& store);
  /// As read_state.
  ContainerState state(const std::string& id);
  /// @throws Error not_found, when the container was removed.
  ListedContainer record(const std::string& id);

 private:
  base::UniqueFd folder_;
  SmallFiles files_;
};

}  // namespace storage
