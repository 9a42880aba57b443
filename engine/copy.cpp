#include "engine/copy.hpp"

#include <fcntl.h>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/convert_manifest.hpp"
#include "engine/copy_referrers.hpp"
#include "engine/image_policy.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/keep_image.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote_source.hpp"
#include "engine/send_image.hpp"
#include "engine/sign_image.hpp"
#include "registry/open_destination.hpp"

namespace engine {
namespace {

constexpr std::string_view docker_daemon = "docker-daemon:";

void refuse_docker_daemon(const std::string& typed) {
  if (typed.substr(0, docker_daemon.size()) != docker_daemon) return;
  const char* socket = "/var/run/docker.sock";
  if (!base::exists(AT_FDCWD, socket))
    throw base::make_error(base::ErrorKind::not_found, "no Docker daemon is here: there is no ", base::quoted(socket))
        .with_hint("docker save IMAGE -o FILE where it is, then docker-archive:FILE here");
  throw base::make_error(base::ErrorKind::unsupported, "a Docker daemon is not spoken to")
      .with_hint(
          "docker save IMAGE -o FILE, then docker-archive:FILE; or docker load -i FILE of what was copied there");
}

std::string shown(const registry::SourceName& name) {
  return base::concat(name.transport, name.transport == "docker" ? "://" : ":", name.rest);
}

/// What of the source is copied: all that its name means, or one image of it.
registry::ManifestBytes root_to_copy(OpenedImage& image, const CopyOptions& options) {
  registry::ManifestBytes root = std::move(image.root);
  if (!options.all) root = choose_for_platform(*image.source, std::move(root), options.platform, image.name).manifest;
  if (root.media_type.empty()) root.media_type = media_type_of(root);
  if (options.format.empty()) return root;
  return convert_manifest(root, parse_manifest_format(options.format));
}

/// A registry may take what it has in one of its repositories into another.
registry::BlobPlaces places_of(const OpenedImage& image, const ImageTree& tree, const registry::SourceName& to) {
  registry::BlobPlaces places;
  if (image.transport != "docker" || to.transport != "docker") return places;
  const oci::Reference from = oci::Reference::parse(image.name);
  if (from.domain() != oci::Reference::parse(to.rest).domain()) return places;
  for (const oci::Descriptor& blob : tree.blobs) places[blob.digest] = {from.repository()};
  return places;
}

std::vector<std::string> copy_their_referrers(Engine& engine, const OpenedImage& image, const ImageTree& tree,
                                              const registry::SourceName& to, const CopyOptions& options) {
  if (image.transport != "docker" || to.transport != "docker")
    throw base::Error(base::ErrorKind::invalid_argument, "--referrers needs registries at both ends");
  const oci::Reference from = oci::Reference::parse(image.name);
  const oci::Reference target = oci::Reference::parse(to.rest);
  std::vector<base::Digest> images{tree.root.digest};
  for (const registry::ManifestBytes& manifest : tree.manifests) images.push_back(manifest.digest);
  const registry::RegistryOptions from_options = registry_options_of(engine, options.from);
  const registry::RegistryOptions to_options = registry_options_of(engine, options.to);
  return copy_referrers(
      {.from = from, .to = target, .from_options = from_options, .to_options = to_options, .jobs = options.jobs},
      images, engine.progress);
}

CopiedImage copy_out(Engine& engine, OpenedImage image, const registry::SourceName& to, const CopyOptions& options) {
  check_policy(engine, image, registry_options_of(engine, options.from),
               {.platform = options.platform, .whole_index = options.all});
  const ImageTree tree = read_image_tree(*image.source, root_to_copy(image, options));
  const registry::RegistryOptions registry = registry_options_of(engine, options.to);
  const NewSignatures signatures(engine, options.dry_run ? SigningOptions{} : options.signing, to, digests_of(tree));
  const auto destination = registry::open_destination(to, registry, places_of(image, tree, to), layer_inflater());
  CopiedImage copied;
  copied.digest = tree.root.digest.text();
  copied.source = shown({image.transport, image.name});
  copied.destination = shown(to);
  copied.manifests = tree.manifests.size() + 1;
  for (const SentBlob& sent : send_image(*image.source, *destination, tree, engine.progress,
                                         {.connections = options.jobs, .is_rehearsal = options.dry_run}))
    copied.blobs.push_back({sent.blob.digest.text(), sent.blob.size_bytes, sent.was_there});
  signatures.put(registry);
  if (options.referrers && !options.dry_run) copied.referrers = copy_their_referrers(engine, image, tree, to, options);
  return copied;
}

/// Into our own store, where it is unpacked as after a pull.
CopiedImage copy_in(Engine& engine, OpenedImage image, const std::string& name, const CopyOptions& options) {
  if (options.all || options.referrers || options.dry_run || options.signing.is_asked())
    throw base::Error(base::ErrorKind::unsupported,
                      "the store takes one image: without --all, --referrers, --dry-run and signatures");
  check_policy(engine, image, registry_options_of(engine, options.from), {.platform = options.platform});
  CopiedImage copied;
  copied.source = shown({image.transport, image.name});
  copied.destination = base::concat("containers-storage:", name_for_tagging(name));
  const ChosenManifest chosen = choose_for_platform(*image.source, image.root, options.platform, image.name);
  copied.digest = chosen.manifest.digest.text();
  keep_image(engine, *image.source, std::move(image.root), {name_for_tagging(name)}, options.platform);
  copied.manifests = 1;
  return copied;
}

}  // namespace

CopiedImage copy_image(Engine& engine, const CopyOptions& options) {
  refuse_docker_daemon(options.source);
  refuse_docker_daemon(options.destination);
  const std::optional<std::string> own = name_in_store(options.destination);
  registry::SourceName to;
  if (!own) {
    to = registry::parse_source_name(options.destination);
    if (to.transport == "docker") to.rest = oci::Reference::parse(to.rest).to_string();
  }
  return base::with_context(
      [&] {
        OpenedImage image = open_image(engine, options.source, registry_options_of(engine, options.from), options.all);
        return own ? copy_in(engine, std::move(image), *own, options) : copy_out(engine, std::move(image), to, options);
      },
      "copying ", base::quoted(options.source), " to ", base::quoted(options.destination));
}

}  // namespace engine
