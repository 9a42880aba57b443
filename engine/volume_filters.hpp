#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/volumes.hpp"

namespace engine {

/// --filter KEY=VALUE of `volume ls`, checked when it is made; see volumes().
class VolumeFilters {
 public:
  /// @throws Error invalid_argument.
  VolumeFilters(const std::vector<std::string>& words, base::Time now);
  bool match(const VolumeSummary& volume) const;

 private:
  struct Filter {
    std::string key;
    std::vector<std::string> values;
  };
  bool match_one(const VolumeSummary& volume, const std::string& key, const std::string& value) const;
  std::vector<Filter> filters_;
  base::Time now_;
};

}  // namespace engine
