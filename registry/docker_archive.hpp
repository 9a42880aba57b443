#pragma once

#include <memory>

#include "registry/oci_layout.hpp"

namespace registry {

/// An image of `docker save`, also of old versions (folders with layer.tar, links between them).
/// `place.name` is one of its RepoTags, "@0" the first image of manifest.json; empty: there must be one image.
/// The archive has no manifest, so one is made (Docker schema 2), in a fixed way: same archive, same digest.
std::unique_ptr<ImageSource> open_docker_archive(std::shared_ptr<const NamedFiles> files, const PathAndName& place);

/// All images of the archive, with their RepoTags as full names.
std::vector<ArchivedImage> list_docker_archive(std::shared_ptr<const NamedFiles> files);

}  // namespace registry
