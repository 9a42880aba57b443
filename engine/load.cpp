#include <unistd.h>

#include "base/error.hpp"
#include "base/oci/reference.hpp"
#include "engine/events.hpp"
#include "engine/image_archives.hpp"
#include "engine/image_policy.hpp"
#include "engine/images.hpp"
#include "engine/keep_image.hpp"
#include "registry/image_archive.hpp"

// load: the images of an archive or folder to the store. The formats are read in registry.

namespace engine {
namespace {

/// As podman does: a name without a registry is a local one; what is no name at all is left out.
std::vector<std::string> stored_names(const std::vector<std::string>& archived) {
  std::vector<std::string> names;
  for (const std::string& name : archived) {
    try {
      names.push_back(name_for_tagging(name));
    } catch (const base::Error&) {  // an archive may hold any text
    }
  }
  return names;
}

LoadedImage load_one(Engine& engine, const registry::ArchivedImage& archived, const std::string& path) {
  const std::unique_ptr<registry::ImageSource> source = archived.open();
  registry::ManifestBytes root = source->root_manifest();
  check_policy(engine, {archived.transport, path}, {}, *source, root, {});
  LoadedImage loaded{.id = {}, .names = stored_names(archived.names)};
  loaded.id = keep_image(engine, *source, std::move(root), loaded.names, "");
  note_image_event(engine, "loadfromarchive", loaded.id, path);
  return loaded;
}

}  // namespace

void load_images(Engine& engine, const std::string& input, const std::function<void(const LoadedImage&)>& on_loaded) {
  const bool is_stdin = input.empty() || input == "-";
  if (is_stdin && ::isatty(STDIN_FILENO) == 1)
    throw base::Error(base::ErrorKind::invalid_argument, "cannot read from a terminal")
        .with_hint("use -i FILE or redirect standard input");
  const std::string shown = is_stdin ? "standard input" : input;
  base::with_context(
      [&] {
        const std::vector<registry::ArchivedImage> images =
            registry::open_image_archive(is_stdin ? "-" : input, engine.config.spool);
        if (images.empty()) throw base::Error(base::ErrorKind::not_found, "it holds no image");
        for (const registry::ArchivedImage& image : images) on_loaded(load_one(engine, image, is_stdin ? "-" : input));
      },
      "loading ", base::quoted(shown));
}

}  // namespace engine
