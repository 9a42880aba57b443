#include "registry/registries_d.hpp"

#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/policy.hpp"
#include "registry/yaml_file.hpp"

namespace registry {
namespace {

const std::string& text_of(const YamlNode& node, const std::string& file) {
  if (node.kind != YamlNode::Kind::scalar || node.is_null()) throw node.error(file, "this is no text");
  return node.text;
}

bool truth_of(const YamlNode& node, const std::string& file) {
  const std::string& text = text_of(node, file);
  if (text == "true") return true;
  if (text != "false") throw node.error(file, "this is neither true nor false");
  return false;
}

SignaturePlace parse_place(const YamlNode& node, const std::string& file) {
  if (node.kind != YamlNode::Kind::map) throw node.error(file, "a section is a map");
  SignaturePlace place;
  std::string old_lookaside, old_staging;
  for (const auto& [key, value] : node.members) {
    if (key == "lookaside")
      place.lookaside = text_of(value, file);
    else if (key == "lookaside-staging")
      place.staging = text_of(value, file);
    else if (key == "sigstore")
      old_lookaside = text_of(value, file);
    else if (key == "sigstore-staging")
      old_staging = text_of(value, file);
    else if (key == "use-sigstore-attachments")
      place.use_attachments = truth_of(value, file);
    else
      throw value.error(file, base::concat(base::quoted(key), " is not known here"));
  }
  if (place.lookaside.empty()) place.lookaside = std::move(old_lookaside);
  if (place.staging.empty()) place.staging = std::move(old_staging);
  return place;
}

/// The sections that may speak for `image`, the most specific first.
std::vector<const SignaturePlace*> places_for(const RegistriesD& conf, const oci::Reference& image) {
  std::vector<const SignaturePlace*> places;
  for (const std::string& scope : policy_scopes(image))
    if (const auto found = conf.docker.find(scope); found != conf.docker.end()) places.push_back(&found->second);
  if (conf.fallback) places.push_back(&*conf.fallback);
  return places;
}

}  // namespace

void merge_registries_d(RegistriesD& conf, std::string_view yaml, const std::string& file) {
  const YamlNode root = parse_yaml(yaml, file);
  if (root.is_null()) return;
  if (root.kind != YamlNode::Kind::map) throw root.error(file, "this is no map");
  for (const auto& [key, value] : root.members) {
    if (key == "default-docker") {
      if (conf.fallback) throw value.error(file, "another file has a default-docker, too");
      conf.fallback = parse_place(value, file);
    } else if (key == "docker") {
      if (value.is_null()) continue;
      if (value.kind != YamlNode::Kind::map) throw value.error(file, "docker is a map of scopes");
      for (const auto& [scope, section] : value.members)
        if (!conf.docker.emplace(scope, parse_place(section, file)).second)
          throw section.error(file, base::concat("another file has a section for ", base::quoted(scope), ", too"));
    } else {
      throw value.error(file, base::concat(base::quoted(key), " is not known here"));
    }
  }
}

std::string lookaside_url(const RegistriesD& conf, const oci::Reference& image, LookasideUse use) {
  for (const SignaturePlace* place : places_for(conf, image)) {
    std::string url = use == LookasideUse::writing && !place->staging.empty() ? place->staging : place->lookaside;
    if (url.empty()) continue;
    while (url.ends_with('/')) url.pop_back();
    return base::concat(url, '/', image.repository().substr(image.domain().size() + 1));
  }
  return {};
}

std::optional<bool> uses_attachments(const RegistriesD& conf, const oci::Reference& image) {
  for (const SignaturePlace* place : places_for(conf, image))
    if (place->use_attachments) return place->use_attachments;
  return std::nullopt;
}

}  // namespace registry
