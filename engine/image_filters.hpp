#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/verbs.hpp"

namespace engine {

/// --filter KEY=VALUE of images: after, before, containers, dangling, digest, id, intermediate, label, manifest,
/// readonly, reference, since, until. Values of one key: any of them; of `label`: all of them; several keys: all keys.
/// KEY!=VALUE: the images that KEY=VALUE leaves out; of several such values none may match.
/// Source: podman-images(1) "--filter".
class ImageFilters {
 public:
  /// Looks up the images that `before` and `since` name. @throws Error invalid_argument, not_found.
  ImageFilters(Engine& engine, const std::vector<std::string>& words);
  bool match(const ImageSummary& image) const;

 private:
  struct Filter {
    std::string key;
    bool negated = false;
    std::vector<std::string> values;
    std::vector<base::Time> times;  ///< What the values of after, before, since and until mean.
  };
  bool match_all(const Filter& filter, const ImageSummary& image) const;
  std::vector<Filter> filters_;
};

}  // namespace engine
