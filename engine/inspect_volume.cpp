#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "engine/verbs.hpp"
#include "engine/volume_options.hpp"
#include "storage/volumes.hpp"

namespace engine {

// podman has UID and GID among the options, too. Source: podman-volume-inspect(1).
std::optional<std::string> inspect_volume(Engine& engine, const std::string& name) {
  const std::optional<storage::Volume> volume = storage::find_volume(engine.store(), name);
  if (!volume) return std::nullopt;
  const VolumeMeaning meaning = parse_volume_options(volume->words.options);
  std::vector<std::pair<std::string, std::string>> options;
  if (meaning.gid) options.emplace_back("GID", base::concat(*meaning.gid));
  if (meaning.uid) options.emplace_back("UID", base::concat(*meaning.uid));
  options.insert(options.end(), volume->words.options.begin(), volume->words.options.end());
  base::JsonWriter json;
  json.begin_object().member("Name", volume->name).member("Driver", "local").member("Mountpoint", volume->data_path);
  json.member("CreatedAt", volume->created).member("Labels", volume->words.labels);
  json.member("Scope", "local").member("Options", options);
  if (meaning.uid) json.member("UID", *meaning.uid);
  if (meaning.gid) json.member("GID", *meaning.gid);
  if (volume->anonymous) json.member("Anonymous", true);
  json.member("MountCount", 0);
  if (volume->needs_copy_up) json.member("NeedsCopyUp", true);
  if (volume->needs_copy_up && !meaning.uid && !meaning.gid) json.member("NeedsChown", true);
  json.end_object();
  return json.take();
}

}  // namespace engine
