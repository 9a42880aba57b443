#include <chrono>
#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"
#include "engine/image_trust.hpp"
#include "engine/remote_source.hpp"
#include "engine/signature_places.hpp"
#include "registry/gpg.hpp"
#include "registry/lookaside.hpp"
#include "registry/signature.hpp"
#include "storage/images.hpp"

// image sign: signatures by GPG of what is published already.

namespace engine {
namespace {

std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<base::Digest> digests_of(registry::ImageSource& source, const registry::ManifestBytes& root, bool all,
                                     const std::string& name) {
  std::vector<base::Digest> digests{root.digest};
  if (!all) return digests;
  const auto parsed = oci::parse_manifest(root.bytes, root.media_type, name);
  const auto* index = std::get_if<oci::Index>(&parsed);
  if (index == nullptr)
    throw base::make_error(base::ErrorKind::invalid_argument, name, " is no image for several platforms");
  for (const oci::Descriptor& manifest : index->manifests) digests.push_back(source.manifest(manifest).digest);
  return digests;
}

/// An image of the store is meant when it has that name; else it is looked for in a registry.
OpenedImage open_to_sign(Engine& engine, const SignOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const bool has_transport = options.image.find("://") != std::string::npos || name_in_store(options.image);
  if (!has_transport && storage::find_image(engine.store(), options.image))
    return open_image(engine, base::concat("containers-storage:", options.image), registry);
  return open_image(engine, options.image, registry);
}

std::string place_of(const Engine& engine, const SignOptions& options, const oci::Reference& reference) {
  if (options.directory.empty())
    return lookaside_of(engine, load_registries_d(engine), reference, registry::LookasideUse::writing);
  return base::concat("file://", options.directory, '/', reference.repository().substr(reference.domain().size() + 1));
}

std::vector<std::string> sign_opened(Engine& engine, const OpenedImage& image, const SignOptions& options) {
  if (!oci::Reference::is_qualified(image.name) || image.name.find(":/") != std::string::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(image.name),
                           " is no name of a registry that could be signed");
  const oci::Reference reference = oci::Reference::parse(image.name);
  const std::string place = place_of(engine, options, reference);
  std::vector<std::string> paths;
  for (const base::Digest& digest : digests_of(*image.source, image.root, options.all, image.name)) {
    const registry::SignedClaim claim{.reference = reference.to_string(), .manifest = digest};
    const std::string payload = registry::render_signed_claim(claim, registry::gpg_claim_type, now_in_seconds());
    paths.push_back(registry::write_lookaside(place, digest, registry::sign_with_gpg(payload, options.gpg_key, {})));
  }
  return paths;
}

}  // namespace

std::vector<std::string> sign_image(Engine& engine, const SignOptions& options) {
  return base::with_context([&] { return sign_opened(engine, open_to_sign(engine, options), options); }, "signing ",
                            base::quoted(options.image));
}

}  // namespace engine
