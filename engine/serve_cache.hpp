#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/serve_answers.hpp"
#include "registry/open_source.hpp"
#include "storage/store.hpp"

namespace engine {

/// Another registry through a cache: what is asked for is fetched once, handed on while it comes, checked, and kept.
/// Used by several threads at once. A repository is answered only what it has itself: by a store image that is named
/// after it, or by the word of the registry.
class ServedCache {
 public:
  /// @param store      Blobs that it has are not fetched; must outlive the cache and its fetches.
  /// @param folder     Absolute path; made where it is not there. @throws Error in_use, when another process serves it.
  /// @param max_bytes  What is kept in it; 0: no limit.
  ServedCache(const storage::Store& store, std::string registry, registry::RegistryOptions options,
              const std::string& folder, std::uint64_t max_bytes);
  ServedCache(const ServedCache&) = delete;
  ~ServedCache();

  registry::ServerResponse answer(const RegistryQuestion& question, const registry::ServerRequest& request);
  /// Cuts the answers that wait for bytes. What is on its way is given up.
  void stop();

 private:
  class Shared;
  std::shared_ptr<Shared> shared_;  ///< Of the threads that fetch, too: one may outlive us for a moment.
};

}  // namespace engine
