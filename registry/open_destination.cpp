#include "registry/open_destination.hpp"

#include "base/error.hpp"
#include "registry/oci_layout.hpp"
#include "registry/registry_destination.hpp"

namespace registry {

std::unique_ptr<ImageDestination> open_destination(const SourceName& name, const RegistryOptions& options,
                                                   const BlobPlaces& places, Inflate inflate) {
  if (name.transport == "docker") return open_docker_destination(oci::Reference::parse(name.rest), options, places);
  if (name.transport == "dir") return single_image(write_image_folder(name.rest), {});
  const PathAndName place = split_path_and_name(name.rest);
  const std::vector<std::string> names = place.name.empty() ? std::vector<std::string>{} : std::vector{place.name};
  if (name.transport == "oci") return single_image(write_oci_folder(place.path), names);
  if (name.transport == "oci-archive") return single_image(write_oci_archive(place.path), names);
  if (name.transport == "docker-archive" && inflate) {
    std::vector<std::string> full;
    for (const std::string& one : names) full.push_back(oci::Reference::parse(one).to_string());
    return single_image(write_docker_archive(place.path, std::move(inflate), options.spool), full);
  }
  throw base::make_error(base::ErrorKind::unsupported, "the image destination ", base::quoted(name.transport),
                         ": is not supported");
}

}  // namespace registry
