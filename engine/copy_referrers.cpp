#include "engine/copy_referrers.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "engine/remote_source.hpp"
#include "engine/send_image.hpp"
#include "registry/open_destination.hpp"
#include "registry/referrers.hpp"
#include "registry/remote_manifest.hpp"

namespace engine {
namespace {

using registry::Repository;

/// Signatures of attestations of images; nobody goes further.
constexpr unsigned max_depth = 4;

class ReferrersCopy {
 public:
  ReferrersCopy(const ReferrersRoute& route, base::Progress& progress)
      : route_(route),
        progress_(progress),
        source_(route.from, route.from_options, Repository::Use::reading),
        destination_(route.to, route.to_options, Repository::Use::reading) {}

  void copy_those_of(const base::Digest& subject, unsigned depth) {
    if (depth == max_depth || !seen_.insert(subject).second) return;
    copy_cosign_tags(subject);
    const registry::Referrers found = registry::list_referrers(source_, subject);
    if (found.entries.empty()) return;
    for (const registry::Referrer& referrer : found.entries) {
      send(referrer.descriptor.digest.text(), route_.to.with_digest(referrer.descriptor.digest).repository(),
           referrer.descriptor.digest);
      copied_.push_back(referrer.descriptor.digest.text());
    }
    keep_list(subject, found.entries);
    for (const registry::Referrer& referrer : found.entries) copy_those_of(referrer.descriptor.digest, depth + 1);
  }

  std::vector<std::string> take() { return std::move(copied_); }

 private:
  void copy_cosign_tags(const base::Digest& subject) {
    for (const std::string& tag : registry::cosign_tags(subject)) {
      if (!registry::head_manifest(source_, tag)) continue;
      send(tag, route_.to.repository(), std::nullopt);
      copied_.push_back(tag);
    }
  }

  /// One manifest or index by its tag or digest, under the same at the destination.
  void send(const std::string& name, const std::string& repository, const std::optional<base::Digest>& digest) {
    const char separator = digest ? '@' : ':';
    const auto opened =
        registry::open_source({"docker", base::concat(route_.from.repository(), separator, name)}, route_.from_options);
    registry::ManifestBytes root = opened->root_manifest();
    if (root.media_type.empty()) root.media_type = media_type_of(root);
    const auto to =
        registry::open_destination({"docker", base::concat(repository, separator, name)}, route_.to_options);
    send_image(*opened, *to, read_image_tree(*opened, std::move(root)), progress_, {.connections = route_.jobs});
  }

  /// The list under a tag, where the registry makes none of its own. What it names already stays in it.
  void keep_list(const base::Digest& subject, const std::vector<registry::Referrer>& entries) {
    registry::Referrers there = registry::list_referrers(destination_, subject);
    if (there.has_api) return;
    const std::size_t before = there.entries.size();
    for (const registry::Referrer& entry : entries) {
      const bool is_known = std::any_of(
          there.entries.begin(), there.entries.end(),
          [&](const registry::Referrer& known) { return known.descriptor.digest == entry.descriptor.digest; });
      if (!is_known) there.entries.push_back(entry);
    }
    if (there.entries.size() == before) return;
    const std::string tag = registry::referrers_tag(subject);
    const auto to =
        registry::open_destination({"docker", base::concat(route_.to.repository(), ':', tag)}, route_.to_options);
    to->put_root(registry::referrers_index(there.entries));
    to->commit();
  }

  const ReferrersRoute& route_;
  base::Progress& progress_;
  Repository source_;
  Repository destination_;
  std::set<base::Digest> seen_;
  std::vector<std::string> copied_;
};

}  // namespace

std::vector<std::string> copy_referrers(const ReferrersRoute& route, const std::vector<base::Digest>& images,
                                        base::Progress& progress) {
  ReferrersCopy copy(route, progress);
  for (const base::Digest& image : images) copy.copy_those_of(image, 0);
  return copy.take();
}

}  // namespace engine
