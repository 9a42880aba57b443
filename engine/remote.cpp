#include "engine/remote.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/platform.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote_source.hpp"
#include "registry/referrers.hpp"
#include "registry/registries_conf.hpp"
#include "registry/remote_manifest.hpp"
#include "registry/search.hpp"
#include "registry/tags.hpp"

namespace engine {
namespace {

using registry::Repository;

/// The name of an image on a registry, whose transport may be written out.
std::string docker_name(const std::string& typed, std::string_view what) {
  const registry::SourceName name = registry::parse_source_name(typed);
  if (name.transport != "docker")
    throw base::make_error(base::ErrorKind::invalid_argument, what, " needs an image of a registry, not ",
                           base::quoted(name.transport));
  return name.rest;
}

void refuse_tag(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  const std::string_view last = std::string_view{name}.substr(slash == std::string::npos ? 0 : slash + 1);
  if (last.find_first_of(":@") == std::string_view::npos) return;
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(name), " names an image, not a repository")
      .with_hint("leave the tag or digest out");
}

std::string name_of_manifest(const oci::Reference& reference) {
  return reference.digest() ? reference.digest()->text() : reference.tag();
}

std::vector<ReferrerSummary> referrers_of(const oci::Reference& reference, const base::Digest& subject,
                                          const registry::RegistryOptions& options) {
  Repository repository(reference, options, Repository::Use::reading);
  std::vector<ReferrerSummary> found;
  for (registry::Referrer& entry : registry::list_referrers(repository, subject).entries)
    found.push_back({.digest = entry.descriptor.digest.text(),
                     .artifact_type = std::move(entry.artifact_type),
                     .media_type = std::move(entry.descriptor.media_type),
                     .size_bytes = entry.descriptor.size_bytes,
                     .annotations = std::move(entry.descriptor.annotations)});
  return found;
}

ImageDigest digest_of(const std::string& name, const registry::ManifestBytes& manifest) {
  return {.name = name,
          .digest = manifest.digest.text(),
          .media_type = media_type_of(manifest),
          .size_bytes = manifest.bytes.size(),
          .referrers = {}};
}

/// A HEAD tells the digest of most; of the others the manifest is fetched.
ImageDigest digest_on_registry(const std::string& candidate, const registry::RegistryOptions& options) {
  const oci::Reference reference = oci::Reference::parse(candidate);
  Repository repository(reference, options, Repository::Use::reading);
  if (auto head = registry::head_manifest(repository, name_of_manifest(reference)))
    return {.name = reference.to_string(),
            .digest = head->digest.text(),
            .media_type = std::move(head->media_type),
            .size_bytes = head->size_bytes,
            .referrers = {}};
  const auto source = registry::open_source({"docker", candidate}, options);
  return digest_of(reference.to_string(), source->root_manifest());
}

ImageDigest digest_of_opened(OpenedImage image, const std::string& platform) {
  if (platform.empty()) return digest_of(image.name, image.root);
  return digest_of(image.name,
                   choose_for_platform(*image.source, std::move(image.root), platform, image.name).manifest);
}

/// Asked of the registry itself: a mirror may be behind, and then another image would be deleted.
base::Digest digest_to_delete(Repository& repository, const registry::RegistryOptions& options) {
  const oci::Reference& reference = repository.reference();
  if (reference.digest()) return *reference.digest();
  if (const auto head = registry::head_manifest(repository, reference.tag())) return head->digest;
  return registry::open_source({"docker", reference.to_string()}, options)->root_manifest().digest;
}

/// The registries that a term without one is looked for at.
std::vector<std::string> registries_to_search(const registry::RegistryOptions& options) {
  const registry::RegistriesConf conf = registry::load_registries_conf(options.registries_conf);
  std::vector<std::string> registries = conf.unqualified_search.value_or(std::vector<std::string>{});
  if (registries.empty()) registries.emplace_back("docker.io");
  return registries;
}

FoundImage found_image(registry::SearchHit hit) {
  return {.index = std::move(hit.index),
          .name = std::move(hit.name),
          .description = std::move(hit.description),
          .stars = hit.stars,
          .is_official = hit.is_official,
          .is_automated = hit.is_automated};
}

}  // namespace

TagList tags(Engine& engine, const TagsOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const std::string name = docker_name(options.repository, "a list of tags");
  refuse_tag(name);
  return with_first_candidate(name, registry, [&](const std::string& candidate) {
    const oci::Reference reference = oci::Reference::parse(candidate);
    Repository repository(reference, registry, Repository::Use::reading);
    return TagList{reference.repository(), registry::list_tags(repository, options.limit)};
  });
}

ImageDigest image_digest(Engine& engine, const DigestOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const bool is_remote =
      !name_in_store(options.image) && registry::parse_source_name(options.image).transport == "docker";
  ImageDigest found;
  if (is_remote && options.platform.empty())
    found = with_first_candidate(registry::parse_source_name(options.image).rest, registry,
                                 [&](const std::string& name) { return digest_on_registry(name, registry); });
  else
    found = digest_of_opened(open_image(engine, options.image, registry), options.platform);
  if (!options.referrers) return found;
  if (!is_remote) throw base::Error(base::ErrorKind::invalid_argument, "--referrers needs an image of a registry");
  found.referrers = referrers_of(oci::Reference::parse(found.name), base::Digest::parse(found.digest), registry);
  return found;
}

std::vector<FoundImage> search_images(Engine& engine, const SearchOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const registry::SearchFilter filter = registry::parse_search_filters(options.filters);
  const unsigned limit = options.limit.value_or(registry::default_search_limit);
  const registry::SearchTerm term = registry::parse_search_term(options.term);
  const std::vector<std::string> registries =
      term.registry.empty() ? registries_to_search(registry) : std::vector<std::string>{term.registry};
  std::vector<FoundImage> found;
  std::optional<base::Error> failure;
  for (const std::string& place : registries) {
    try {
      std::size_t count = 0;
      for (registry::SearchHit& hit : registry::search_registry(place, term.words, limit, registry))
        if (registry::matches(hit, filter) && count++ < limit) found.push_back(found_image(std::move(hit)));
    } catch (const base::Error& error) {
      if (!failure) failure = error;
    }
  }
  if (failure && found.empty()) throw *failure;
  return found;
}

DeletedImage delete_remote(Engine& engine, const DeleteOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const std::string name = docker_name(options.image, "deleting");
  if (!oci::Reference::is_qualified(name))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(name), " does not say which registry")
        .with_hint(base::concat("write it in full, such as docker.io/library/", name));
  const oci::Reference reference = oci::Reference::parse(name);
  Repository repository(reference, registry, Repository::Use::changing);
  if (options.only_tag) {
    if (reference.digest())
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(name), " is no tag, but a digest");
    if (!registry::delete_tag(repository, reference.tag()))
      throw base::make_error(base::ErrorKind::unsupported, reference.domain(), " cannot delete a tag alone")
          .with_hint("without --only-tag the image goes, with all tags that mean it");
    return {reference.to_string(), ""};
  }
  const base::Digest digest = digest_to_delete(repository, registry);
  registry::delete_manifest(repository, digest);
  return {reference.to_string(), digest.text()};
}

}  // namespace engine
