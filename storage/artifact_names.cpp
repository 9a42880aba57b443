#include "storage/artifact_names.hpp"

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"

namespace storage {
namespace {

constexpr std::size_t max_name_bytes = 8 * 1024;

NamedArtifact parse_name(std::string_view bytes, const std::string& path) {
  const auto fields = base::split_once(base::trim(bytes), ' ');
  const auto damaged = [&] {
    return base::make_error(base::ErrorKind::corrupt, "the name of an artifact, ", base::quoted(path), ", is damaged")
        .with_hint("add or pull the artifact again");
  };
  if (!fields || layout::artifact(fields->second) != path) throw damaged();
  try {
    return {std::string{fields->second}, base::Digest::parse(fields->first)};
  } catch (const base::Error&) {  // told with the place of the damage
    throw damaged();
  }
}

std::optional<NamedArtifact> read_name(const Store& store, const std::string& path) {
  const auto bytes = base::try_read_file(store.root(), path, max_name_bytes);
  if (!bytes) return std::nullopt;
  return parse_name(*bytes, path);
}

}  // namespace

namespace layout {
std::string artifact(std::string_view name) {
  return base::concat(artifacts_folder, "/", encode_name(name));
}
}  // namespace layout

void set_artifact(const Store& store, const GcHold&, const std::string& name, const base::Digest& manifest) {
  base::flush_filesystem(store.root());
  const base::UniqueFd folder = base::make_directory(store.root(), layout::artifacts_folder);
  base::write_file_atomically(folder.get(), layout::encode_name(name), base::concat(manifest, " ", name, "\n"));
}

std::optional<NamedArtifact> find_artifact(const Store& store, const std::string& name) {
  return read_name(store, layout::artifact(name));
}

std::optional<NamedArtifact> read_artifact_file(const Store& store, const std::string& file) {
  return read_name(store, base::concat(layout::artifacts_folder, "/", file));
}

std::vector<NamedArtifact> list_artifacts(const Store& store) {
  std::vector<NamedArtifact> artifacts;
  if (!base::exists(store.root(), layout::artifacts_folder)) return artifacts;
  for (const std::string& file : base::list_directory(store.root(), layout::artifacts_folder)) {
    if (file.front() == '.') continue;
    try {
      if (auto artifact = read_artifact_file(store, file)) artifacts.push_back(std::move(*artifact));
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt) throw;  // what it keeps is not known then
      base::log(base::LogLevel::warn, error.message());
    }
  }
  return artifacts;
}

bool remove_artifact_name(const Store& store, const std::string& name) {
  const std::string path = layout::artifact(name);
  if (!base::exists(store.root(), path)) return false;
  base::unlink_file(store.root(), path);
  base::flush(base::open_directory(store.root(), layout::artifacts_folder).get(), layout::artifacts_folder);
  return true;
}

bool forget_artifact(const Store& store, const GcLock& lock, const NamedArtifact& artifact) {
  if (!remove_artifact_name(store, artifact.name)) return false;
  remove_unneeded(store, lock, artifact.manifest);
  return true;
}

}  // namespace storage
