#include <algorithm>
#include <memory>
#include <optional>
#include <unistd.h>

#include "base/error.hpp"
#include "engine/convert_manifest.hpp"
#include "engine/events.hpp"
#include "engine/image_archives.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/manifest_list_source.hpp"
#include "engine/pull_source.hpp"
#include "engine/recompressed_source.hpp"
#include "engine/repair_source.hpp"
#include "engine/send_image.hpp"
#include "engine/stoppable_source.hpp"
#include "engine/store_source.hpp"
#include "registry/image_writer.hpp"

// save: images of the store to an archive or a folder. The formats are in registry/*_writer.cpp.

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

struct ImageToSave {
  storage::ImageRecord record;
  std::vector<std::string> names;
};

void add_name(std::vector<std::string>& names, const std::string& name) {
  const bool is_tag = !name.empty() && name.find('@') == std::string::npos;  // a digest cannot be a name in an archive
  if (is_tag && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

/// Each image once, with the names that were given for it.
std::vector<ImageToSave> images_to_save(Engine& engine, const SaveOptions& options) {
  std::vector<ImageToSave> images;
  for (const std::string& word : options.images) {
    if (!options.several && !images.empty()) {
      add_name(images.front().names, name_for_tagging(word));
      continue;
    }
    storage::ResolvedImage found = find_image_to_send(engine.store(), word);
    auto same = std::find_if(images.begin(), images.end(),
                             [&](const ImageToSave& image) { return image.record.manifest == found.record.manifest; });
    if (same == images.end()) same = images.insert(same, {std::move(found.record), {}});
    add_name(same->names, found.name);
  }
  return images;
}

std::unique_ptr<registry::ImageSetWriter> open_output(const Engine& engine, const SaveOptions& options) {
  const bool is_folder = options.format == "oci-dir" || options.format == "docker-dir";
  if (is_folder && options.output.empty())
    throw make_error(ErrorKind::invalid_argument, "the format ", options.format, " writes to a folder")
        .with_hint("name it with --output");
  if (options.compress && options.format != "docker-dir")
    throw base::Error(ErrorKind::invalid_argument, "--compress can only be set when --format is docker-dir");
  if (!is_folder && options.output.empty() && ::isatty(STDOUT_FILENO) == 1)
    throw base::Error(ErrorKind::invalid_argument, "refusing to save to a terminal")
        .with_hint("use -o FILE or redirect standard output");
  if (options.format == "oci-dir") return registry::write_oci_folder(options.output);
  if (options.format == "docker-dir") return registry::write_image_folder(options.output);
  if (options.format == "oci-archive") return registry::write_oci_archive(options.output);
  return registry::write_docker_archive(options.output, layer_inflater(), engine.config.spool);
}

registry::ManifestBytes root_for(const std::string& format, registry::ImageSource& source) {
  registry::ManifestBytes root = source.root_manifest();
  return format == "docker-dir" ? convert_manifest(root, ManifestFormat::docker) : root;
}

/// Images of a manifest list may be elsewhere.
std::unique_ptr<registry::ImageSource> open_stored(Engine& engine, const storage::ImageRecord& record) {
  if (auto list = as_manifest_list(engine.store(), {.name = {}, .record = record}))
    return std::make_unique<ListSource>(engine, std::move(*list), registry_options(engine, {}));
  auto source = std::make_unique<StoreSource>(engine.store(), record, "");
  source->fall_back_to(open_origin(engine.store(), record.manifest, registry_options(engine, {})));
  return source;
}

void save_image(Engine& engine, const SaveOptions& options, const ImageToSave& image, StopSignals& signals,
                registry::ImageSetWriter& set) {
  const std::unique_ptr<registry::ImageSource> stored = open_stored(engine, image.record);
  StoppableSource source(*stored, signals);
  registry::ManifestBytes root = root_for(options.format, source);
  std::optional<RecompressedSource> compressed;
  if (options.compress) {
    compressed.emplace(engine.store(), source, root, Recompression{}, engine.config.unpack_limits, engine.progress);
    root = compressed->root_manifest();
  }
  registry::ImageSource& given = compressed ? static_cast<registry::ImageSource&>(*compressed) : source;
  const ImageTree tree = read_image_tree(given, std::move(root));
  const std::unique_ptr<registry::ImageDestination> destination = set.add_image(image.names);
  // A tar has one member after the other, and shall have them in the same order each time.
  const bool is_folder = options.format == "oci-dir" || options.format == "docker-dir";
  send_image(given, *destination, tree, engine.progress, {.connections = is_folder ? 2U : 1U});
}

}  // namespace

void save_images(Engine& engine, const SaveOptions& options) {
  const std::vector<ImageToSave> images = images_to_save(engine, options);
  StopSignals signals(options.output);
  base::with_context(
      [&] {
        const std::unique_ptr<registry::ImageSetWriter> set = open_output(engine, options);
        for (const ImageToSave& image : images) save_image(engine, options, image, signals, *set);
        signals.check();
        set->finish();
        for (const ImageToSave& image : images)
          note_image_event(engine, "save", image.record.config.hex(), options.output);
      },
      "saving ", base::quoted(options.images.front()));
}

}  // namespace engine
