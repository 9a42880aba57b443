#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "base/signals.hpp"
#include "engine/image_archives.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/store_source.hpp"
#include "engine/watched_source.hpp"
#include "registry/docker_manifest.hpp"
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
    const auto same = std::find_if(images.begin(), images.end(), [&](const ImageToSave& image) {
      return image.record.manifest == found.record.manifest;
    });
    if (same == images.end()) images.push_back({std::move(found.record), {}});
    add_name(same == images.end() ? images.back().names : same->names, found.name);
  }
  return images;
}

std::unique_ptr<registry::ImageSetWriter> open_output(const SaveOptions& options) {
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
  return registry::write_docker_archive(options.output, layer_inflater());
}

void put_blob(Engine& engine, const oci::Descriptor& blob, registry::ImageSource& source,
              registry::ImageDestination& destination) {
  const std::string item = WatchedSource::item_of(blob);
  engine.progress.begin(item, blob.size_bytes);
  const bool is_there = destination.has_blob(blob);
  if (!is_there) destination.put_blob(blob, source);
  engine.progress.end(item, is_there ? "already exists" : "done");
}

registry::ManifestBytes root_for(const std::string& format, const oci::Manifest& parsed,
                                 registry::ManifestBytes manifest) {
  if (format != "docker-dir" || parsed.media_type == oci::media_type_docker_manifest) return manifest;
  std::string bytes = registry::write_docker_manifest(parsed);
  base::Digest digest = base::sha256(bytes);
  return {std::move(bytes), std::string{oci::media_type_docker_manifest}, std::move(digest)};
}

void save_image(Engine& engine, const SaveOptions& options, const ImageToSave& image, base::SignalFd* signals,
                registry::ImageSetWriter& set) {
  StoreSource store_source(engine.store(), image.record, "");
  WatchedSource source(store_source, engine.progress, signals);
  registry::ManifestBytes manifest = source.root_manifest();
  const oci::Manifest parsed = std::get<oci::Manifest>(
      oci::parse_manifest(manifest.bytes, manifest.media_type, base::concat("manifest ", manifest.digest)));
  const registry::ManifestBytes root = root_for(options.format, parsed, std::move(manifest));
  const std::unique_ptr<registry::ImageDestination> destination = set.add_image(image.names);
  std::set<base::Digest> done;
  for (const oci::Descriptor& layer : parsed.layers)
    if (done.insert(layer.digest).second) put_blob(engine, layer, source, *destination);
  put_blob(engine, parsed.config, source, *destination);
  destination->put_root(root);
  destination->commit();
}

/// Whether something must be taken back when we are stopped; what goes through a pipe is gone.
bool leaves_something(const std::string& output) {
  struct stat status {};
  if (output.empty() || output == "-") return false;
  return ::stat(output.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

}  // namespace

void save_images(Engine& engine, const SaveOptions& options) {
  const std::vector<ImageToSave> images = images_to_save(engine, options);
  std::optional<base::SignalFd> signals;
  if (leaves_something(options.output)) signals.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
  base::with_context(
      [&] {
        const std::unique_ptr<registry::ImageSetWriter> set = open_output(options);
        for (const ImageToSave& image : images) save_image(engine, options, image, signals ? &*signals : nullptr, *set);
        set->finish();
      },
      "saving ", base::quoted(options.images.front()));
}

}  // namespace engine
