#include "registry/open_destination.hpp"

#include "base/error.hpp"
#include "registry/registry_destination.hpp"

namespace registry {

std::unique_ptr<ImageDestination> open_destination(const SourceName& name, const RegistryOptions& options,
                                                   const BlobPlaces& places) {
  if (name.transport == "docker") return open_docker_destination(oci::Reference::parse(name.rest), options, places);
  throw base::make_error(base::ErrorKind::unsupported, "the image destination ", base::quoted(name.transport),
                         ": is not supported");
}

}  // namespace registry
