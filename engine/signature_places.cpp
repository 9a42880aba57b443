#include "engine/signature_places.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "engine/config_files.hpp"

namespace engine {
namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;

std::string default_place(const Engine& engine) {
  if (engine.host.uid == 0) return "file:///var/lib/containers/sigstore";
  return base::concat("file://", engine.host.home, "/.local/share/containers/sigstore");
}

}  // namespace

std::string registries_d_folder(const Engine& engine) {
  const ConfigFolders folders = config_folders(engine.host);
  const std::string own = folders.user + "/registries.d";
  return base::exists(AT_FDCWD, own) ? own : folders.system + "/registries.d";
}

registry::RegistriesD load_registries_d(const Engine& engine) {
  return load_registries_d(registries_d_folder(engine));
}

registry::RegistriesD load_registries_d(const std::string& folder) {
  registry::RegistriesD conf;
  const auto opened = base::try_open_directory(AT_FDCWD, folder);
  if (!opened) return conf;
  for (const std::string& name : base::list_directory(opened->get(), ".")) {
    if (!name.ends_with(".yaml")) continue;
    const std::string path = base::concat(folder, '/', name);
    const auto text = base::try_read_host_file(path, max_file_bytes);
    if (!text) throw base::make_error(base::ErrorKind::permission, base::quoted(path), " cannot be read");
    registry::merge_registries_d(conf, *text, path);
  }
  return conf;
}

std::string lookaside_of(const Engine& engine, const registry::RegistriesD& conf, const oci::Reference& image,
                         registry::LookasideUse use) {
  std::string url = registry::lookaside_url(conf, image, use);
  if (!url.empty()) return url;
  return base::concat(default_place(engine), '/', image.repository().substr(image.domain().size() + 1));
}

}  // namespace engine
