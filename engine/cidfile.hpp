#pragma once

#include <string>

#include "base/fd.hpp"

namespace engine {

/// The file of --cidfile. Made first, so that nothing is created when it is there; removed again when creating fails.
class CidFile {
 public:
  /// An empty path means none. Throws when the file exists or cannot be made.
  explicit CidFile(const std::string& path);
  CidFile(const CidFile&) = delete;
  CidFile& operator=(const CidFile&) = delete;
  ~CidFile();

  /// From now on the file stays.
  void write(const std::string& id);

 private:
  std::string path_;
  base::UniqueFd fd_;
};

}  // namespace engine
