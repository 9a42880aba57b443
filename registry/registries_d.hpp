#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/oci/reference.hpp"

// registries.d: where signatures of images are kept. Source: containers-registries.d(5).

namespace registry {

/// What one section says; empty: nothing.
struct SignaturePlace {
  std::string lookaside;                ///< URL to read from: "https://…", "file:///…"; "sigstore" is its old name.
  std::string staging;                  ///< URL to write to.
  std::optional<bool> use_attachments;  ///< Whether signatures of cosign beside the image count.
};

struct RegistriesD {
  std::optional<SignaturePlace> fallback;        ///< "default-docker"
  std::map<std::string, SignaturePlace> docker;  ///< By scope: "quay.io/team/app:1", "quay.io", "*.io".
};

/// Adds what one file says. @throws Error invalid_argument, for what is unknown, or there a second time.
void merge_registries_d(RegistriesD& conf, std::string_view yaml, const std::string& file);

enum class LookasideUse { reading, writing };

/// The URL for `image`'s repository, of the most specific section that has one; empty, when none has. Signatures of a
/// digest are in "<URL>@sha256=<hex>/signature-1" and so on.
std::string lookaside_url(const RegistriesD& conf, const oci::Reference& image, LookasideUse use);

/// Of the most specific section that says so.
std::optional<bool> uses_attachments(const RegistriesD& conf, const oci::Reference& image);

}  // namespace registry
