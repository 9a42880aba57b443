#pragma once

#include <string>

#include "base/fd.hpp"
#include "storage/containers.hpp"
#include "storage/small_files.hpp"

namespace storage {

/// A look at many containers, by the open folder of all: nothing is opened for one of them but its files. The ids are
/// those of list_container_ids.
class ContainerList {
 public:
  explicit ContainerList(const Store& store);
  /// As read_state.
  ContainerState state(const std::string& id);
  /// Of the record what lists show (parse_listed_record). @throws Error not_found, when the container was removed.
  ContainerRecord record(const std::string& id);

 private:
  base::UniqueFd folder_;
  SmallFiles files_;
};

}  // namespace storage
