#include "registry/open_source.hpp"

#include "base/error.hpp"
#include "registry/archive_file.hpp"
#include "registry/client.hpp"
#include "registry/dir_layout.hpp"
#include "registry/docker_archive.hpp"
#include "registry/oci_layout.hpp"
#include "registry/tar_index.hpp"

namespace registry {

namespace {

std::shared_ptr<const NamedFiles> open_archive(const std::string& path, const SpoolPlace& spool) {
  return std::make_shared<const TarIndex>(TarIndex::read(open_archive_file(path, spool), path));
}

}  // namespace

std::unique_ptr<ImageSource> open_source(const SourceName& name, const RegistryOptions& options) {
  if (name.transport == "docker") return open_docker_source(oci::Reference::parse(name.rest), options);
  if (name.transport == "dir") return open_dir_layout(open_layout_folder(name.rest), name.rest);
  const PathAndName place = split_path_and_name(name.rest);
  if (name.transport == "oci") return open_oci_layout(open_layout_folder(place.path), place);
  if (name.transport == "oci-archive") return open_oci_layout(open_archive(place.path, options.spool), place);
  if (name.transport == "docker-archive") return open_docker_archive(open_archive(place.path, options.spool), place);
  throw base::make_error(base::ErrorKind::unsupported, "the image source ", base::quoted(name.transport),
                         ": is not supported");
}

}  // namespace registry
