#include "engine/signature_check.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"
#include "engine/signature_places.hpp"
#include "engine/sigstore_attachment.hpp"
#include "registry/base64.hpp"
#include "registry/gpg.hpp"
#include "registry/lookaside.hpp"
#include "registry/signature.hpp"

namespace engine {
namespace {

constexpr std::size_t max_key_bytes = 1024 * 1024, max_payload_bytes = 1024 * 1024;
constexpr std::size_t max_signatures = 100;
constexpr std::string_view no_signature = "it has no signature";

/// Of cosign.
struct Signature {
  std::string payload;
  std::string bytes;
};

std::string annotation(const oci::Descriptor& descriptor, std::string_view name) {
  for (const auto& [key, value] : descriptor.annotations)
    if (key == name) return value;
  return {};
}

/// What cosign keeps beside the image under the tag "sha256-<hex>.sig"; nothing when there is no such tag.
std::vector<Signature> fetch_signatures(const oci::Reference& image, const base::Digest& digest,
                                        const registry::RegistryOptions& options) {
  std::vector<Signature> signatures;
  const auto source = registry::open_source({"docker", cosign_place(image, digest).to_string()}, options);
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
    const auto bytes = registry::base64_decode(annotation(layer, cosign_annotation));
    if (layer.media_type != cosign_layer_type || !bytes || bytes->empty() || signatures.size() == max_signatures)
      continue;
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

/// One line that says why not, or nothing when what is claimed is what is asked for.
std::string fault_of_claim(std::string_view payload, std::string_view type,
                           const registry::PolicyRequirement& requirement, const std::optional<oci::Reference>& image,
                           const base::Digest& digest) {
  try {
    const registry::SignedClaim claim = registry::parse_signed_claim(payload, type);
    if (claim.manifest != digest) return "it is for another image";
    if (registry::is_identity_accepted(requirement.identity, claim.reference, image)) return {};
    return base::concat("it is for the name ", base::quoted(claim.reference));
  } catch (const base::Error& error) {
    return error.message();
  }
}

/// One line that says why not, or nothing when the signature is good.
std::string fault_of(const Signature& signature, const registry::PolicyRequirement& requirement,
                     const std::vector<std::string>& keys, const oci::Reference& image, const base::Digest& digest) {
  const bool is_genuine = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return registry::is_signed_by(key, signature.payload, signature.bytes);
  });
  if (!is_genuine) return "it was made with another key";
  return fault_of_claim(signature.payload, registry::cosign_claim_type, requirement, image, digest);
}

/// Signatures of one image, in the forms that there are.
using Found = std::vector<std::string>;

std::string cosign_fault(const Engine& engine, const registry::PolicyRequirement& requirement,
                         const oci::Reference& image, const base::Digest& digest,
                         const registry::RegistryOptions& options) {
  if (!registry::uses_attachments(load_registries_d(engine), image).value_or(true))
    return "use-sigstore-attachments in registries.d says that it has no signature of this kind";
  const std::vector<std::string> keys = keys_of(requirement);
  std::string fault{no_signature};
  for (const Signature& signature : fetch_signatures(image, digest, options)) {
    const std::string reason = fault_of(signature, requirement, keys, image, digest);
    if (reason.empty()) return {};
    fault = base::concat("its signature does not count: ", reason);
  }
  return fault;
}

Found find_gpg_signatures(const Engine& engine, const registry::SourceName& name, const base::Digest& digest,
                          const registry::RegistryOptions& options) {
  if (name.transport == "dir") return registry::read_signature_files(name.rest);
  const oci::Reference image = oci::Reference::parse(name.rest);
  const std::string url = lookaside_of(engine, load_registries_d(engine), image, registry::LookasideUse::reading);
  return registry::read_lookaside(url, image, digest, options);
}

std::string gpg_fault(const Engine& engine, const registry::PolicyRequirement& requirement,
                      const registry::SourceName& name, const base::Digest& digest,
                      const registry::RegistryOptions& options) {
  const registry::GpgKeys keys(keys_of(requirement));
  std::optional<oci::Reference> image;
  if (name.transport == "docker") image = oci::Reference::parse(name.rest);
  std::string fault{no_signature};
  for (const std::string& signature : find_gpg_signatures(engine, name, digest, options)) {
    const registry::GpgKeys::Verdict verdict = keys.verify(signature);
    const std::string reason =
        verdict.fault.empty() ? fault_of_claim(verdict.content, registry::gpg_claim_type, requirement, image, digest)
                              : verdict.fault;
    if (reason.empty()) return {};
    fault = base::concat("its signature does not count: ", reason);
  }
  return fault;
}

}  // namespace

std::string signature_fault(const Engine& engine, const registry::PolicyRequirement& requirement,
                            const registry::SourceName& name, const base::Digest& digest,
                            const registry::RegistryOptions& options) {
  const bool is_by_gpg = requirement.kind == registry::PolicyRequirement::Kind::gpg_signed;
  if (name.transport != "docker" && !(is_by_gpg && name.transport == "dir"))
    return base::concat("signatures of images of the transport ", name.transport, " cannot be checked");
  if (is_by_gpg) return gpg_fault(engine, requirement, name, digest, options);
  return cosign_fault(engine, requirement, oci::Reference::parse(name.rest), digest, options);
}

}  // namespace engine
