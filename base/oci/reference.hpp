#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace oci {

/// A fully qualified image name: domain/path[:tag][@digest]. Source: github.com/distribution/reference grammar.
/// Docker Hub is normalised: "busybox" -> docker.io/library/busybox:latest; index.docker.io -> docker.io.
class Reference {
 public:
  /// Normalises as docker does. The tag becomes "latest" when neither tag nor digest is given.
  /// @throws Error invalid_argument with one clear line for whatever the grammar forbids.
  static Reference parse(std::string_view text);
  /// Whether `text` names its registry itself ("quay.io/x", "localhost/x", "host:5000/x"), so that no short-name
  /// lookup is wanted.
  static bool is_qualified(std::string_view text);

  const std::string& domain() const noexcept { return domain_; }  ///< "docker.io", "localhost:5000"
  const std::string& path() const noexcept { return path_; }      ///< "library/busybox"
  const std::string& tag() const noexcept { return tag_; }        ///< Empty when only a digest is given.
  const std::optional<base::Digest>& digest() const noexcept { return digest_; }

  std::string repository() const { return base::concat(domain_, "/", path_); }
  /// "docker.io/library/alpine:latest", with "@sha256:…" when there is a digest.
  std::string to_string() const;
  /// Without the digest; without the tag too when there is none.
  std::string name_and_tag() const;
  Reference with_digest(base::Digest digest) const;
  Reference with_tag(std::string tag) const;
  auto operator<=>(const Reference&) const = default;

 private:
  std::string domain_;
  std::string path_;
  std::string tag_;
  std::optional<base::Digest> digest_;
};

}  // namespace oci
