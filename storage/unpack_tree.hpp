#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"
#include "storage/unpack_limits.hpp"

namespace storage {

/// A path of an archive, checked: no "..", no NUL, no "." and no empty component. The root has no component.
struct LayerPath {
  std::string text;                    ///< "usr/bin/env"; empty for the root.
  std::string_view directory() const;  ///< "usr/bin"; empty when it is the root.
  std::string name() const;            ///< "env"
  bool is_root() const noexcept { return text.empty(); }
};
/// A leading "/" means nothing. @throws Error corrupt.
LayerPath parse_layer_path(std::string_view path, const UnpackLimits& limits);

/// The tree of one layer while it is written. Every step goes from the descriptor of a directory that was opened
/// without following a link, so that no path of an archive leads out of it, nor through a link that the archive made.
class LayerTree {
 public:
  enum class Replaced { nothing, other, whiteout };
  /// Called for each directory that no entry asked for; `whiteout`: it took the place of one.
  using OnMade = std::function<void(const std::string& path, int dir, bool whiteout)>;

  /// `diff` is borrowed.
  LayerTree(int diff, OnMade on_made) : diff_(diff), on_made_(std::move(on_made)) {}

  /// The directory at `path`, valid until the next call. Missing components are made; whatever else is in the way is
  /// replaced by a directory, so that the last writer wins.
  int open_or_make(std::string_view path);
  /// As above, but makes and replaces nothing: -1 when it is not there.
  int open_existing(std::string_view path);
  /// Makes the directory `path` in `parent`, unless it is one already. Tells what it replaced.
  Replaced make_directory(int parent, const LayerPath& path);
  /// Removes what is at `path`, a whole tree if need be.
  Replaced remove(int parent, const LayerPath& path);

  static constexpr std::size_t max_cached = 64;

 private:
  int find_cached(std::string_view path);
  int keep(std::string path, base::UniqueFd dir);
  void forget_below(std::string_view path);
  base::UniqueFd open_component(int parent, const std::string& name, const std::string& path);

  struct Cached {
    base::UniqueFd dir;
    std::uint64_t last_use;
  };
  int diff_;
  OnMade on_made_;
  std::unordered_map<std::string, Cached> cache_;
  std::uint64_t uses_ = 0;
};

}  // namespace storage
