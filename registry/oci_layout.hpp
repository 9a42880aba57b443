#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/byte_range.hpp"
#include "registry/image_archive.hpp"
#include "registry/image_source.hpp"

namespace registry {

/// "path[:tag]" as the transports oci, oci-archive and docker-archive have it, cut at the first ':'.
struct PathAndName {
  std::string path;
  std::string name;  ///< May be empty.
};
PathAndName split_path_and_name(std::string_view text);

/// An image in OCI layout, from a folder or an archive. Source: OCI image-spec image-layout.md.
/// `name` is compared with the annotation org.opencontainers.image.ref.name of index.json; empty: there must be one
/// image.
std::unique_ptr<ImageSource> open_oci_layout(std::shared_ptr<const NamedFiles> files, const PathAndName& place);

/// All images of a layout: one for each manifest that index.json names, with all the names it has there. A bare tag
/// makes a local name, as with podman: "localhost/TAG:latest", in a folder "localhost/FOLDER:TAG".
/// @param folder  Path of the folder; empty for an archive.
std::vector<ArchivedImage> list_oci_layout(std::shared_ptr<const NamedFiles> files, const std::string& folder);

/// The folder of an OCI layout; files are opened below it without following links.
std::shared_ptr<const NamedFiles> open_layout_folder(const std::string& path);

/// "localhost/NAME:tag", made from the file name, as podman names an image without a name; empty when that is no name.
std::string name_from_path(std::string_view path, std::string_view tag);

}  // namespace registry
