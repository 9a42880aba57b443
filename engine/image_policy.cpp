#include "engine/image_policy.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unistd.h>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"
#include "engine/config_files.hpp"
#include "engine/pull_source.hpp"
#include "registry/base64.hpp"
#include "registry/oci_layout.hpp"
#include "registry/policy.hpp"
#include "registry/signature.hpp"

namespace engine {
namespace {

constexpr std::size_t max_policy_bytes = 1024 * 1024, max_key_bytes = 1024 * 1024, max_payload_bytes = 1024 * 1024;
constexpr std::size_t max_signatures = 100;
constexpr std::string_view signature_type = "application/vnd.dev.cosign.simplesigning.v1+json";
constexpr std::string_view signature_annotation = "dev.cosignproject.cosign/signature";

struct Signature {
  std::string payload;
  std::string bytes;
};

std::vector<std::string> scopes_of(const registry::SourceName& name) {
  if (name.transport == "docker") return registry::policy_scopes(oci::Reference::parse(name.rest));
  if (name.transport == "docker-archive") return {};
  const registry::PathAndName place = registry::split_path_and_name(name.rest);
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::weakly_canonical(place.path, failed);
  return registry::policy_scopes(failed ? place.path : path.string(), place.name);
}

std::string annotation(const oci::Descriptor& descriptor, std::string_view name) {
  for (const auto& [key, value] : descriptor.annotations)
    if (key == name) return value;
  return {};
}

/// What cosign keeps beside the image under the tag "sha256-<hex>.sig"; nothing when there is no such tag.
std::vector<Signature> fetch_signatures(const oci::Reference& image, const base::Digest& digest,
                                        const registry::RegistryOptions& options) {
  std::vector<Signature> signatures;
  const auto source =
      registry::open_source({"docker", base::concat(image.repository(), ":sha256-", digest.hex(), ".sig")}, options);
  registry::ManifestBytes root{.bytes = {}, .media_type = {}, .digest = digest};
  try {
    root = source->root_manifest();
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
    return signatures;
  }
  const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest of the signatures");
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (manifest == nullptr) return signatures;
  for (const oci::Descriptor& layer : manifest->layers) {
    const auto bytes = registry::base64_decode(annotation(layer, signature_annotation));
    if (layer.media_type != signature_type || !bytes || bytes->empty() || signatures.size() == max_signatures) continue;
    base::StringSink sink(max_payload_bytes);
    source->blob(layer, sink, 0);
    std::string payload = sink.take();
    if (base::sha256(payload) == layer.digest) signatures.push_back({std::move(payload), *bytes});
  }
  return signatures;
}

std::vector<std::string> keys_of(const registry::PolicyRequirement& requirement) {
  std::vector<std::string> keys = requirement.key_texts;
  for (const std::string& path : requirement.key_paths) {
    auto text = base::try_read_host_file(path, max_key_bytes);
    if (!text)
      throw base::make_error(base::ErrorKind::not_found, "the key ", base::quoted(path),
                             " of policy.json cannot be read");
    keys.push_back(std::move(*text));
  }
  return keys;
}

/// One line that says why not, or nothing when the signature is good.
std::string fault_of(const Signature& signature, const registry::PolicyRequirement& requirement,
                     const std::vector<std::string>& keys, const oci::Reference& image, const base::Digest& digest) {
  const bool is_genuine = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return registry::is_signed_by(key, signature.payload, signature.bytes);
  });
  if (!is_genuine) return "it was made with another key";
  try {
    const registry::SignedClaim claim = registry::parse_signed_claim(signature.payload);
    if (claim.manifest != digest) return "it is for another image";
    if (registry::is_identity_accepted(requirement.identity, claim.reference, image)) return {};
    return base::concat("it is for the name ", base::quoted(claim.reference));
  } catch (const base::Error& error) {
    return error.message();
  }
}

/// Why none of the signatures for `digest` will do; empty when one does.
std::string find_fault(const registry::PolicyRequirement& requirement, const oci::Reference& image,
                       const base::Digest& digest, const registry::RegistryOptions& options) {
  const std::vector<std::string> keys = keys_of(requirement);
  std::string fault = "it has no signature";
  for (const Signature& signature : fetch_signatures(image, digest, options)) {
    const std::string reason = fault_of(signature, requirement, keys, image, digest);
    if (reason.empty()) return {};
    fault = base::concat("its signature does not count: ", reason);
  }
  return fault;
}

/// The digests of which one must be signed: of what the name means, and of the manifest that is chosen from a list.
std::vector<base::Digest> digests_to_sign(registry::ImageSource& source, const registry::ManifestBytes& root,
                                          const std::string& platform) {
  std::vector<base::Digest> digests{root.digest};
  const ChosenManifest chosen = choose_for_platform(source, root, platform, "the image");
  if (chosen.manifest.digest != root.digest) digests.push_back(chosen.manifest.digest);
  return digests;
}

std::string fault_by(const registry::PolicyRequirement& requirement, const registry::SourceName& name,
                     const registry::RegistryOptions& options, registry::ImageSource& source,
                     const registry::ManifestBytes& root, const std::string& platform) {
  using Kind = registry::PolicyRequirement::Kind;
  if (requirement.kind == Kind::accept) return {};
  if (requirement.kind == Kind::reject) return "every image is rejected there";
  if (requirement.kind == Kind::not_supported)
    return base::concat("it asks for ", requirement.type, ", which is not supported");
  if (name.transport != "docker") return "signatures of images that are not in a registry cannot be checked";
  const oci::Reference image = oci::Reference::parse(name.rest);
  std::string fault;
  for (const base::Digest& digest : digests_to_sign(source, root, platform)) {
    fault = find_fault(requirement, image, digest, options);
    if (fault.empty()) return {};
  }
  return fault;
}

}  // namespace

std::optional<std::string> policy_file(const Engine& engine) {
  const ConfigFolders folders = config_folders(engine.host);
  for (const std::string& folder : {folders.user, folders.system}) {
    const std::string path = folder + "/policy.json";
    // One that is there, but cannot be reached, must not be taken for none: reading it tells what is wrong.
    if (::access(path.c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) return path;
  }
  return std::nullopt;
}

void check_policy(const Engine& engine, const registry::SourceName& name, const registry::RegistryOptions& registry,
                  registry::ImageSource& source, const registry::ManifestBytes& root, const std::string& platform) {
  const std::optional<std::string> file = policy_file(engine);
  if (!file) return;
  const auto text = base::try_read_host_file(*file, max_policy_bytes);
  if (!text) throw base::make_error(base::ErrorKind::permission, base::quoted(*file), " cannot be read");
  const registry::Policy policy = registry::parse_policy(*text, *file);
  const registry::FoundRequirements found = registry::find_requirements(policy, name.transport, scopes_of(name));
  for (const registry::PolicyRequirement& requirement : *found.requirements) {
    const std::string fault = fault_by(requirement, name, registry, source, root, platform);
    if (fault.empty()) continue;
    throw base::Error(base::ErrorKind::permission, base::concat("the policy does not accept the image: ", fault),
                      base::concat(*file, " decides, by its entry ", base::quoted(found.scope)));
  }
}

void check_policy(const Engine& engine, const OpenedImage& image, const registry::RegistryOptions& registry,
                  const std::string& platform) {
  if (image.transport == "containers-storage") return;
  const registry::SourceName name = image.transport == "docker" ? registry::SourceName{"docker", image.name}
                                                                : registry::parse_source_name(image.name);
  check_policy(engine, name, registry, *image.source, image.root, platform);
}

}  // namespace engine
