#pragma once

#include <memory>
#include <string>

#include "engine/serve_answers.hpp"
#include "registry/open_source.hpp"
#include "storage/store.hpp"

namespace engine {

/// Another registry through a cache: what is asked for is fetched once, handed on while it comes, checked, and kept.
/// Used by several threads at once. The folder holds `blobs/<hex>`, manifests among them, `tags/<hash of the name>`,
/// and `incoming/` for what is on its way; `lock` is held as long as this lives.
class ServedCache {
 public:
  /// @param store   Blobs that it has are not fetched; must outlive the cache and its fetches.
  /// @param folder  Absolute path; made where it is not there. @throws Error in_use, when another process serves it.
  ServedCache(const storage::Store& store, std::string registry, registry::RegistryOptions options,
              const std::string& folder);
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
