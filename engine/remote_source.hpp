#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/context.hpp"
#include "engine/remote.hpp"
#include "registry/image_source.hpp"
#include "registry/open_source.hpp"

namespace engine {

registry::RegistryOptions registry_options_of(const Engine& engine, const RemoteOptions& options);

/// The media type of the bytes, which say it themselves where nobody else did.
std::string media_type_of(const registry::ManifestBytes& manifest);

/// Runs `work` with each thing that the short name may mean, until one is there. What does not answer, or answers no,
/// is passed over, except the last. @throws Error of the last; invalid_argument, for what is no name.
template <class Work>
auto with_first_candidate(const std::string& typed, const registry::RegistryOptions& options, const Work& work);

/// Whether trying another registry is worth it.
bool may_be_elsewhere(const base::Error& error);

/// An image wherever it is, opened, with what its name means there.
struct OpenedImage {
  std::string name;       ///< In full: "docker://quay.io/a/b:1" without the transport, "oci:/path:tag" with it.
  std::string transport;  ///< "docker", "oci", … ; "containers-storage" for our own store.
  std::unique_ptr<registry::ImageSource> source;
  registry::ManifestBytes root;
};
/// The name behind "containers-storage:" or "store:"; nothing, when it is somewhere else.
std::optional<std::string> name_in_store(std::string_view typed);
/// "name", "docker://name", "oci:…", "containers-storage:name" or "store:name".
/// @param whole_index  Of our own store: the index, when all of its images are here.
OpenedImage open_image(Engine& engine, const std::string& typed, const registry::RegistryOptions& options,
                       bool whole_index = false);

template <class Work>
auto with_first_candidate(const std::string& typed, const registry::RegistryOptions& options, const Work& work) {
  const std::vector<std::string> candidates = registry::resolve_short_name(typed, options);
  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    try {
      return work(candidates[i]);
    } catch (const base::Error& error) {
      if (!may_be_elsewhere(error)) throw;
    }
  }
  if (candidates.empty())
    throw base::make_error(base::ErrorKind::not_found, "no registry is configured to look for short names");
  return work(candidates.back());
}

}  // namespace engine
