#include "registry/image_archive.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"
#include "registry/archive_file.hpp"
#include "registry/dir_layout.hpp"
#include "registry/docker_archive.hpp"
#include "registry/oci_layout.hpp"
#include "registry/tar_index.hpp"

namespace registry {

namespace {

bool is_folder(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw base::os_error("opening ", base::quoted(path));
  return S_ISDIR(status.st_mode);
}

std::shared_ptr<const NamedFiles> open_files(const std::string& path, const SpoolPlace& spool) {
  if (path == "-") {
    return std::make_shared<const TarIndex>(TarIndex::read(open_archive_file("/dev/stdin", spool), "standard input"));
  }
  if (is_folder(path)) return open_layout_folder(path);
  return std::make_shared<const TarIndex>(TarIndex::read(open_archive_file(path, spool), path));
}

/// An archive of docker save has a list in manifest.json, the transport dir a manifest.
bool holds_list(const NamedFiles& files, const ByteRange& manifest) {
  const std::string what = base::concat("manifest.json of ", files.description());
  const std::string text = read_range(manifest, oci::max_manifest_bytes, what);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '[';
}

std::vector<ArchivedImage> with_transport(std::vector<ArchivedImage> images, const std::string& transport) {
  for (ArchivedImage& image : images) image.transport = transport;
  return images;
}

}  // namespace

std::vector<ArchivedImage> open_image_archive(const std::string& path, const SpoolPlace& spool) {
  const std::shared_ptr<const NamedFiles> files = open_files(path, spool);
  if (files->find("oci-layout") && files->find("index.json")) {
    const bool is_in_folder = path != "-" && is_folder(path);
    return with_transport(list_oci_layout(files, is_in_folder ? path : std::string{}),
                          is_in_folder ? "oci" : "oci-archive");
  }
  const std::optional<ByteRange> manifest = files->find("manifest.json");
  if (!manifest)
    throw base::make_error(base::ErrorKind::corrupt, files->description(),
                           " holds no image: it has neither index.json nor manifest.json")
        .with_hint("the tar of a file system is read by engine import");
  if (holds_list(*files, *manifest)) return with_transport(list_docker_archive(files), "docker-archive");
  return with_transport({{.names = {}, .open = [files, path] { return open_dir_layout(files, path); }}}, "dir");
}

}  // namespace registry
