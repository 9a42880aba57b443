#pragma once

#include <optional>
#include <string>

#include "engine/context.hpp"
#include "engine/remote_source.hpp"
#include "registry/image_source.hpp"
#include "registry/open_source.hpp"

namespace engine {

/// policy.json of the user, else of the system; nothing when there is none: then every image is accepted.
std::optional<std::string> policy_file(const Engine& engine);

/// What is wanted of an image.
struct TakenImage {
  std::string platform;      ///< Which image of a list; empty: this machine's.
  bool whole_index = false;  ///< The list with all of its images: it is the list that must be signed then.
};

/// Whether policy.json lets this image in. For a list of images it is enough that the list, or the manifest that is
/// chosen for the platform, is signed: the list's digest covers the manifest.
/// @throws Error permission, when it does not; invalid_argument, when the file makes no sense.
/// Source: containers-policy.json(5).
void check_policy(const Engine& engine, const registry::SourceName& name, const registry::RegistryOptions& registry,
                  registry::ImageSource& source, const registry::ManifestBytes& root, const TakenImage& taken);
/// The same for an image that was opened; one of our own store was let in before.
void check_policy(const Engine& engine, const OpenedImage& image, const registry::RegistryOptions& registry,
                  const TakenImage& taken);

}  // namespace engine
