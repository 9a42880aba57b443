#include "engine/pull_rehearsal.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

#include "base/text.hpp"
#include "engine/pull_layers.hpp"
#include "engine/pull_source.hpp"
#include "storage/blobs.hpp"
#include "storage/partial_blobs.hpp"

namespace engine {

std::vector<std::string> rehearse_pull(Engine& engine, registry::ImageSource& source, registry::ManifestBytes root,
                                       const std::string& platform, const std::string& shown_name) {
  const ImageParts parts = fetch_parts(source, std::move(root), platform, shown_name);
  const std::vector<std::size_t> missing = missing_layers(engine, parts);
  std::vector<std::string> lines;
  std::set<base::Digest> seen;
  std::uint64_t total = 0, count = 0;
  for (std::size_t index = 0; index < parts.parsed.layers.size(); ++index) {
    const oci::Descriptor& layer = parts.parsed.layers[index];
    std::string what;
    if (!std::binary_search(missing.begin(), missing.end(), index)) {
      what = "already exists";
    } else if (storage::has_blob(engine.store(), layer.digest) || !seen.insert(layer.digest).second) {
      what = "would be unpacked, and not fetched";
    } else {
      const std::uint64_t here = std::min(storage::partial_bytes(engine.store(), layer.digest), layer.size_bytes);
      what = base::concat("would be fetched: ", base::human_size(layer.size_bytes - here));
      if (here > 0) what += base::concat(" (", base::human_size(here), " are here from an earlier pull)");
      total += layer.size_bytes - here;
      ++count;
    }
    lines.push_back(base::concat(layer.digest, ' ', what));
  }
  lines.push_back(base::concat(shown_name, ": ", count, " of ", parts.parsed.layers.size(), " layers, ",
                               base::human_size(total), " would be fetched"));
  return lines;
}

}  // namespace engine
