#include "engine/sign_image.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"
#include "engine/signature_places.hpp"
#include "engine/sigstore_attachment.hpp"
#include "registry/gpg.hpp"
#include "registry/lookaside.hpp"
#include "registry/signature.hpp"
#include "registry/sigstore_key.hpp"

namespace engine {
namespace {

constexpr std::size_t max_key_bytes = 64 * 1024;

std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string read_required(const std::string& path) {
  auto text = base::try_read_host_file(path, max_key_bytes);
  if (!text) throw base::make_error(base::ErrorKind::not_found, "the file ", base::quoted(path), " cannot be read");
  return std::move(*text);
}

/// The first line of the file, as podman takes it.
std::optional<std::string> passphrase_of(const SigningOptions& options) {
  if (options.passphrase_file.empty()) return std::nullopt;
  const std::string text = read_required(options.passphrase_file);
  return text.substr(0, text.find_first_of("\r\n"));
}

/// The name that is signed.
std::string identity_for(const SigningOptions& options, const registry::SourceName& place) {
  if (!options.identity.empty()) {
    if (!oci::Reference::is_qualified(options.identity))
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(options.identity),
                             " is no full name that could be signed");
    return oci::Reference::parse(options.identity).to_string();
  }
  if (place.transport == "docker") return oci::Reference::parse(place.rest).to_string();
  throw base::make_error(base::ErrorKind::invalid_argument, "an image at ", base::quoted(place.rest),
                         " has no name that could be signed")
      .with_hint("--sign-identity says which");
}

}  // namespace

NewSignatures::NewSignatures(const Engine& engine, const SigningOptions& options, registry::SourceName place,
                             const std::vector<base::Digest>& digests)
    : place_(std::move(place)) {
  if (!options.is_asked()) return;
  const bool is_registry = place_.transport == "docker";
  if (!is_registry && (place_.transport != "dir" || !options.sigstore_key.empty()))
    throw base::make_error(base::ErrorKind::unsupported, "images of the transport ", place_.transport,
                           " cannot have such signatures");
  const std::string identity = identity_for(options, place_);
  const std::optional<std::string> passphrase = passphrase_of(options);
  if (is_registry && !options.gpg_key.empty())
    lookaside_ = lookaside_of(engine, load_registries_d(engine), oci::Reference::parse(place_.rest),
                              registry::LookasideUse::writing);
  std::string key;
  if (!options.sigstore_key.empty())
    key = base::with_context(
        [&] { return registry::open_sigstore_key(read_required(options.sigstore_key), passphrase.value_or("")); },
        "opening ", base::quoted(options.sigstore_key));
  for (const base::Digest& digest : digests) {
    const registry::SignedClaim claim{.reference = identity, .manifest = digest};
    if (!options.gpg_key.empty())
      by_gpg_.push_back(
          {digest,
           {},
           registry::sign_with_gpg(registry::render_signed_claim(claim, registry::gpg_claim_type, now_in_seconds()),
                                   options.gpg_key, passphrase)});
    if (key.empty()) continue;
    std::string payload = registry::render_signed_claim(claim, registry::cosign_claim_type, now_in_seconds());
    std::string bytes = registry::sign_with_key(key, payload);
    by_cosign_.push_back({digest, std::move(payload), std::move(bytes)});
  }
}

void NewSignatures::put_gpg(const Signature& signature) const {
  if (place_.transport == "docker") {
    registry::write_lookaside(lookaside_, signature.manifest, signature.bytes);
  } else if (signature.manifest == by_gpg_.front().manifest) {  // the others have no place there
    registry::write_signature_file(place_.rest, signature.bytes);
  }
}

void NewSignatures::put(const registry::RegistryOptions& options) const {
  for (const Signature& signature : by_gpg_) put_gpg(signature);
  for (const Signature& signature : by_cosign_)
    attach_signature(oci::Reference::parse(place_.rest), signature.manifest, signature.payload, signature.bytes,
                     options);
}

}  // namespace engine
