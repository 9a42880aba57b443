#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/convert_manifest.hpp"
#include "engine/inflate.hpp"
#include "engine/manifest_list_source.hpp"
#include "engine/manifest_list_verbs.hpp"
#include "engine/remote_source.hpp"
#include "engine/send_image.hpp"
#include "engine/sign_image.hpp"
#include "registry/open_destination.hpp"
#include "storage/blobs.hpp"

// manifest push, manifest inspect: a list on its way to where it is published, and lists wherever they are.

namespace engine {
namespace {

registry::SourceName destination_of(const PushListOptions& options, const StoredList& list) {
  if (options.destination.empty() && list.name.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "the list has no name of its own to be pushed to")
        .with_hint("name the destination: engine manifest push LIST REGISTRY/NAME:TAG");
  registry::SourceName name =
      registry::parse_source_name(options.destination.empty() ? list.name : options.destination);
  if (name.transport == "docker") name.rest = oci::Reference::parse(name.rest).to_string();
  return name;
}

registry::ManifestBytes root_to_push(ListSource& source, const StoredList& list, const std::string& format) {
  if (format.empty() || parse_manifest_format(format) == ManifestFormat::oci) return source.root_manifest();
  std::string bytes = render_docker_list(list.list);
  base::Digest digest = base::sha256(bytes);
  return {std::move(bytes), std::string{oci::media_type_docker_list}, std::move(digest)};
}

/// What the registry has in another of its repositories it may take from there.
registry::BlobPlaces places_of(const ListSource& source, const registry::SourceName& to) {
  registry::BlobPlaces places;
  if (to.transport != "docker") return places;
  const std::string domain{oci::Reference::parse(to.rest).domain()};
  for (const auto& [blob, origin] : source.origins()) {
    const registry::SourceName from = registry::parse_source_name(origin);
    if (from.transport != "docker") continue;
    const oci::Reference reference = oci::Reference::parse(from.rest);
    if (reference.domain() == domain) places[blob] = {reference.repository()};
  }
  return places;
}

std::string shown(const registry::SourceName& name) {
  return base::concat(name.transport, name.transport == "docker" ? "://" : ":", name.rest);
}

PushedImage send_list(Engine& engine, const StoredList& list, const registry::SourceName& to,
                      const PushListOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  ListSource source(engine, list, registry);
  registry::ManifestBytes root = root_to_push(source, list, options.format);
  const ImageTree tree = options.all ? read_image_tree(source, std::move(root)) : ImageTree{std::move(root), {}, {}};
  const NewSignatures signatures(engine, options.signing, to, digests_of(tree));
  const auto destination = registry::open_destination(to, registry, places_of(source, to), layer_inflater());
  PushedImage pushed{.digest = tree.root.digest, .destination = shown(to), .blobs = {}};
  for (const SentBlob& sent : send_image(source, *destination, tree, engine.progress))
    pushed.blobs.push_back(
        {.digest = sent.blob.digest, .size_bytes = sent.blob.size_bytes, .is_there = sent.was_there});
  engine.progress.note("Writing manifest list to image destination");
  signatures.put(registry);
  return pushed;
}

}  // namespace

PushedImage push_manifest_list(Engine& engine, const PushListOptions& options) {
  const StoredList list = require_manifest_list(engine.store(), options.list);
  const registry::SourceName to = destination_of(options, list);
  PushedImage pushed = base::with_context([&] { return send_list(engine, list, to, options); }, "pushing ",
                                          base::quoted(options.list), " to ", base::quoted(shown(to)));
  if (options.remove_after) remove_manifest_list(engine, options.list, true);
  return pushed;
}

InspectedList inspect_manifest_list(Engine& engine, const InspectListOptions& options) {
  const storage::Store& store = engine.store();
  if (const auto image = storage::resolve_image(store, options.name); image && is_manifest_list(store, image->record))
    return {storage::read_blob(store, image->record.manifest, oci::max_manifest_bytes),
            std::string{oci::media_type_oci_index}, true};
  const OpenedImage image = open_image(engine, options.name, registry_options_of(engine, options.remote));
  const auto parsed = oci::parse_manifest(image.root.bytes, image.root.media_type, image.name);
  return {image.root.bytes, std::visit([](const auto& view) { return view.media_type; }, parsed),
          std::holds_alternative<oci::Index>(parsed)};
}

}  // namespace engine
