#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/oci/reference.hpp"
#include "engine/serve_answers.hpp"
#include "storage/images.hpp"

namespace engine {

/// The images of a store that have names, as a registry shows them. Used by several threads at once.
class ServedStore {
 public:
  /// `store` must outlive it.
  explicit ServedStore(const storage::Store& store) : store_(store) {}

  registry::ServerResponse answer(const RegistryQuestion& question, const registry::ServerRequest& request);
  /// Whether an image with a name in this repository ("docker.io/library/busybox") is, or has, that manifest or blob.
  bool belongs_to(const std::string& repository, const base::Digest& digest);

 private:
  /// What the images of one repository have. Nothing is answered for another one, though the store has it once.
  struct Contents {
    std::set<std::string> tags;
    std::set<base::Digest> manifests;
    std::set<base::Digest> blobs;
    std::map<base::Digest, std::vector<registry::Referrer>> referrers;  ///< By their subject.
  };
  /// What was in the store at one moment.
  struct Snapshot {
    std::map<std::string, Contents> contents;         ///< By repository, "docker.io/library/busybox".
    std::map<std::string, std::string> repositories;  ///< By what clients may call them.
  };
  using Current = std::shared_ptr<const Snapshot>;

  Current current();
  /// For what was not found: it may be new.
  Current look_again();
  Current refresh();
  static std::vector<std::string> meanings_of(const Snapshot& snapshot, const std::string& name);
  static void add_image(Snapshot& snapshot, const storage::Store& store, const storage::NamedImage& image);
  static void add_manifest(Contents& contents, const storage::Store& store, const base::Digest& digest);
  /// What the repository that a client names has of that kind; looked for once more when it is not known.
  bool has(const RegistryQuestion& question, const base::Digest& digest, bool also_blobs);
  registry::ServerResponse catalog(const registry::ServerRequest& request);
  registry::ServerResponse tags(const RegistryQuestion& question, const registry::ServerRequest& request);
  registry::ServerResponse manifest(const RegistryQuestion& question);
  registry::ServerResponse blob(const RegistryQuestion& question, const registry::ServerRequest& request);
  registry::ServerResponse referrers(const RegistryQuestion& question, const registry::ServerRequest& request);
  std::optional<storage::ImageRecord> find_tag(const RegistryQuestion& question);
  registry::ServerResponse send_manifest(const RegistryQuestion& question, const base::Digest& digest);

  const storage::Store& store_;
  std::mutex mutex_;
  Current snapshot_;
  std::chrono::steady_clock::time_point taken_{};
};

}  // namespace engine
