#include <memory>
#include <sys/stat.h>
#include <variant>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "base/stream.hpp"
#include "storage/artifact_names.hpp"
#include "storage/blobs.hpp"
#include "storage/check_parts.hpp"

// Artifacts: their names, manifests and files.

namespace storage {
namespace {

base::Digest content_digest(int fd) {
  constexpr std::size_t piece_bytes = 1024 * 1024;
  base::FdSource source(fd);
  base::Sha256 hash;
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  while (const std::size_t got = source.read(buffer.get(), piece_bytes)) hash.update(buffer.get(), got);
  return hash.finish();
}

/// The file is there, of the right size, and in a deep check of the right content.
void check_artifact_blob(StoreCheck& check, const oci::Descriptor& blob) {
  const auto fd = open_blob(check.store, blob.digest);
  if (!fd) throw base::make_error(base::ErrorKind::not_found, "blob ", blob.digest, " is missing");
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) throw base::os_error("looking at blob ", blob.digest);
  const auto size_bytes = static_cast<std::uint64_t>(info.st_size);
  if (size_bytes != blob.size_bytes)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", blob.digest, " has ", size_bytes, " bytes instead of ",
                           blob.size_bytes);
  if (check.request.depth != CheckDepth::deep) return;
  if (check.request.on_blob) check.request.on_blob(blob.digest, size_bytes);
  if (content_digest(fd->get()) != blob.digest)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", blob.digest, " has another content than its digest says");
}

void check_artifact(StoreCheck& check, const NamedArtifact& artifact) {
  check.small_blobs.insert(artifact.manifest);
  const auto parsed = oci::parse_manifest(read_blob(check.store, artifact.manifest, oci::max_manifest_bytes), "",
                                          base::concat("manifest ", artifact.manifest));
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (manifest == nullptr) throw base::Error(base::ErrorKind::corrupt, "its manifest is an index");
  check_artifact_blob(check, manifest->config);
  for (const oci::Descriptor& file : manifest->layers) check_artifact_blob(check, file);
}

}  // namespace

void check_artifacts(StoreCheck& check) {
  const Store& store = check.store;
  if (!base::exists(store.root(), layout::artifacts_folder)) return;
  for (const std::string& file : base::list_directory(store.root(), layout::artifacts_folder)) {
    if (file.front() == '.') continue;
    const std::string path = base::concat(layout::artifacts_folder, "/", file);
    std::string name = path;
    try {
      const auto artifact = read_artifact_file(store, file);
      if (!artifact) continue;  // removed at this moment
      name = artifact->name;
      check_artifact(check, *artifact);
    } catch (const base::Error& error) {
      if (name == path) check.is_reach_known = false;  // what it keeps cannot be told from what nobody needs
      if (!base::exists(store.root(), path)) continue;
      check.add(because_of(error, {.severity = Severity::damage,
                                   .kind = "artifact-damaged",
                                   .object = name,
                                   .message = base::concat("artifact ", name, " cannot be used: ", error.message()),
                                   .remedy = "engine artifact rm, then pull or add it again",
                                   .cure = Cure::none,
                                   .path = path}));
    }
  }
}

}  // namespace storage
