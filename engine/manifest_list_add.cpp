#include <filesystem>
#include <variant>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/oci/manifest.hpp"
#include "base/stream.hpp"
#include "engine/images.hpp"
#include "engine/manifest_list_store.hpp"
#include "engine/manifest_list_verbs.hpp"
#include "engine/manifest_list_words.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote_source.hpp"
#include "storage/blobs.hpp"
#include "storage/staging.hpp"

// manifest create, manifest add: from the name of an image to an entry of a list. Manifest and config are kept in the
// store, byte for byte; where the layers are is noted, and they are read from there when the list is pushed.

namespace engine {
namespace {

/// An instance and the small blobs that it needs in the store.
struct FetchedInstance {
  ListInstance instance;
  std::vector<std::pair<base::Digest, std::string>> blobs;
};

bool is_image_config(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.config.v1+json" ||
         media_type == "application/vnd.docker.container.image.v1+json";
}

/// A name that the store has means that image, as with podman; a transport says it anyway.
OpenedImage open_to_add(Engine& engine, const std::string& typed, const registry::RegistryOptions& options) {
  const bool has_transport = name_in_store(typed) || typed.starts_with("docker://") ||
                             registry::parse_source_name(typed).transport != "docker";
  if (!has_transport && storage::resolve_image(engine.store(), typed))
    return open_image(engine, base::concat("containers-storage:", typed), options);
  return open_image(engine, typed, options);
}

/// Where the layers will be found again; empty: in the store.
std::string source_text(const OpenedImage& image) {
  if (image.transport == "containers-storage") return {};
  if (image.transport == "docker") return base::concat("docker://", image.name);
  const std::string prefix = base::concat(image.transport, ":");
  const std::string place = image.name.substr(image.name.starts_with(prefix) ? prefix.size() : 0);
  return base::concat(prefix, std::filesystem::absolute(place).string());
}

std::string fetch_small(registry::ImageSource& source, const oci::Descriptor& blob) {
  base::StringSink sink(oci::max_config_bytes);
  source.blob(blob, sink, 0);
  std::string bytes = sink.take();
  if (bytes.size() != blob.size_bytes || base::sha256(bytes) != blob.digest)
    throw base::make_error(base::ErrorKind::corrupt, "the config is not what its digest ", blob.digest, " says");
  return bytes;
}

void take_platform(ListInstance& instance, const std::string& config_bytes) {
  const base::JsonAt config = base::JsonAt::parse(config_bytes, "config", {.max_bytes = oci::max_config_bytes});
  instance.os = config.string_or("os", "");
  instance.architecture = config.string_or("architecture", "");
  instance.variant = config.string_or("variant", "");
  instance.os_version = config.string_or("os.version", "");
  instance.os_features = config.strings_or_empty("os.features");
}

/// @param entry  What an index says of it; nullptr: there is none, and its config is asked.
FetchedInstance fetch_instance(registry::ImageSource& source, const registry::ManifestBytes& manifest,
                               const ListInstance* entry) {
  const auto parsed =
      oci::parse_manifest(manifest.bytes, manifest.media_type, base::concat("manifest ", manifest.digest));
  const auto* view = std::get_if<oci::Manifest>(&parsed);
  if (view == nullptr)
    throw base::make_error(base::ErrorKind::unsupported, manifest.digest, " is an index inside of an index");
  ListInstance plain{.media_type = view->media_type, .digest = manifest.digest, .size_bytes = manifest.bytes.size()};
  FetchedInstance fetched{entry != nullptr ? *entry : std::move(plain), {{manifest.digest, manifest.bytes}}};
  const bool is_image = is_image_config(view->config.media_type);
  if (is_image) {
    std::string config = fetch_small(source, view->config);
    if (entry == nullptr) take_platform(fetched.instance, config);
    fetched.blobs.emplace_back(view->config.digest, std::move(config));
  }
  const base::JsonAt json = base::JsonAt::parse(manifest.bytes, "manifest", {.max_bytes = oci::max_manifest_bytes});
  if (fetched.instance.artifact_type.empty())
    fetched.instance.artifact_type = json.string_or("artifactType", is_image ? "" : view->config.media_type);
  return fetched;
}

oci::Descriptor descriptor_of(const ListInstance& instance) {
  return {.media_type = instance.media_type,
          .digest = instance.digest,
          .size_bytes = instance.size_bytes,
          .platform = {},
          .annotations = {}};
}

/// The platform to look for in an index, when the user named one.
std::string wanted_platform(const InstanceWords& words) {
  if (words.os.empty() && words.architecture.empty()) return {};
  oci::Platform platform = oci::host_platform();
  if (!words.os.empty()) platform.os = words.os;
  if (!words.architecture.empty()) platform.architecture = words.architecture;
  platform.variant = words.variant;
  return platform.to_string();
}

std::vector<FetchedInstance> fetch_instances(OpenedImage& image, bool all, const InstanceWords& words) {
  const auto parsed = oci::parse_manifest(image.root.bytes, image.root.media_type, image.name);
  if (std::holds_alternative<oci::Manifest>(parsed)) return {fetch_instance(*image.source, image.root, nullptr)};
  ManifestList offered = parse_manifest_list(image.root.bytes, image.name);
  std::vector<FetchedInstance> fetched;
  if (!all) {
    const ChosenManifest chosen = choose_for_platform(*image.source, image.root, wanted_platform(words), image.name);
    fetched.push_back(fetch_instance(*image.source, chosen.manifest, find_instance(offered, chosen.manifest.digest)));
    return fetched;
  }
  for (const ListInstance& entry : offered.instances)
    fetched.push_back(fetch_instance(*image.source, image.source->manifest(descriptor_of(entry)), &entry));
  return fetched;
}

/// Keeps what was fetched until the list names it.
class Keeper {
 public:
  explicit Keeper(const storage::Store& store) : store_(store), staging_(storage::Staging::begin(store)) {}
  void put(const std::vector<FetchedInstance>& fetched) {
    for (const FetchedInstance& one : fetched)
      for (const auto& [digest, bytes] : one.blobs) kept_.push_back(digest);
    staging_.keep(store_.hold_garbage(), kept_);
    for (const FetchedInstance& one : fetched)
      for (const auto& [digest, bytes] : one.blobs) storage::put_blob(store_, digest, bytes);
  }

 private:
  const storage::Store& store_;
  storage::Staging staging_;
  std::vector<base::Digest> kept_;
};

/// Instances of a list of the store bring where their own layers are.
void note_sources(const storage::Store& store, const OpenedImage& image, const std::string& typed,
                  std::vector<FetchedInstance>& fetched) {
  const std::string text = source_text(image);
  auto list = text.empty() ? find_manifest_list(store, name_in_store(typed).value_or(typed)) : std::nullopt;
  for (FetchedInstance& one : fetched) {
    const ListInstance* const known = list ? find_instance(list->list, one.instance.digest) : nullptr;
    one.instance.source = known != nullptr ? known->source : text;
  }
}

std::vector<ListInstance> gather(Engine& engine, const AddToListOptions& options, Keeper& keeper) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  std::vector<ListInstance> instances;
  for (const std::string& typed : options.images) {
    base::with_context(
        [&] {
          OpenedImage image = open_to_add(engine, typed, registry);
          std::vector<FetchedInstance> fetched = fetch_instances(image, options.all, options.words);
          note_sources(engine.store(), image, typed, fetched);
          keeper.put(fetched);
          for (FetchedInstance& one : fetched) {
            apply_words(one.instance, options.words);
            instances.push_back(std::move(one.instance));
          }
        },
        "adding ", base::quoted(typed));
  }
  return instances;
}

}  // namespace

std::string add_to_manifest_list(Engine& engine, const AddToListOptions& options) {
  require_manifest_list(engine.store(), options.list);
  Keeper keeper(engine.store());
  const std::vector<ListInstance> instances = gather(engine, options, keeper);
  return change_manifest_list(engine, options.list, [&](ManifestList& list) {
    for (const ListInstance& instance : instances) put_instance(list, instance);
  });
}

std::string create_manifest_list(Engine& engine, const CreateListOptions& options) {
  const storage::Store& store = engine.store();
  const std::string name = name_for_tagging(options.name);
  AddToListOptions add;
  add.list = name;
  add.images = options.images;
  add.all = options.all;
  add.remote = options.remote;
  Keeper keeper(store);
  const std::vector<ListInstance> instances = gather(engine, add, keeper);
  const auto fill = [&](ManifestList& list) {
    for (const std::string& annotation : options.annotations) set_annotation(list.annotations, annotation);
    for (const ListInstance& instance : instances) put_instance(list, instance);
  };
  if (storage::find_by_ref(store, name)) {
    if (options.amend) return change_manifest_list(engine, name, fill);
    throw base::make_error(base::ErrorKind::in_use, "the name ", base::quoted(name), " is in use already")
        .with_hint("--amend adds to the list of that name");
  }
  ManifestList list;
  list.created = base::format_rfc3339(base::now());
  fill(list);
  return std::string{put_manifest_list(store, list, name).config.hex()};
}

}  // namespace engine
