#include "storage/volumes.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"

namespace storage {

namespace {

constexpr const char* data_folder = "_data";

struct VolumeMeta {
  std::string name;
  std::string created;
  bool anonymous = false;
  bool populated = false;  ///< The image's content was copied in, or looked at and found empty.
  VolumeWords words;
};

std::string render(const VolumeMeta& meta) {
  base::JsonWriter json = begin_record();
  json.member("name", meta.name).member("created", meta.created);
  json.member("anonymous", meta.anonymous).member("populated", meta.populated);
  if (!meta.words.labels.empty()) json.member("labels", meta.words.labels);
  if (!meta.words.options.empty()) json.member("options", meta.words.options);
  json.end_object();
  return json.take();
}

std::vector<std::pair<std::string, std::string>> map_or_empty(const base::JsonAt& json, std::string_view key) {
  const auto map = json.find(key);
  return map ? map->string_map() : std::vector<std::pair<std::string, std::string>>{};
}

std::optional<VolumeMeta> read_meta(int dir, std::string_view name) {
  const auto bytes = base::try_read_file(dir, "meta", max_record_bytes);
  if (!bytes) return std::nullopt;
  const base::JsonAt json = parse_record(*bytes, base::concat("record of volume ", base::quoted(name)));
  return VolumeMeta{.name = json.at("name").string(),
                    .created = json.string_or("created", ""),
                    .anonymous = json.boolean_or("anonymous", false),
                    .populated = json.boolean_or("populated", false),
                    .words = {.labels = map_or_empty(json, "labels"), .options = map_or_empty(json, "options")}};
}

void check_name(const std::string& name) {
  if (layout::is_object_name(name)) return;
  throw base::make_error(base::ErrorKind::invalid_argument, "the volume name ", base::quoted(name),
                         " does not match [a-zA-Z0-9][a-zA-Z0-9_.-]*");
}

/// False when its record does not say so: removing has to work nevertheless.
bool is_anonymous(const Store& store, const std::string& path) {
  try {
    const auto dir = base::try_open_directory(store.root(), path);
    const auto meta = dir ? read_meta(dir->get(), path) : std::nullopt;
    return meta && meta->anonymous;
  } catch (const base::Error&) {
    return false;
  }
}

std::optional<Volume> open_volume(const Store& store, const std::string& path) {
  const auto dir = base::try_open_directory(store.root(), path);
  if (!dir) return std::nullopt;
  auto meta = read_meta(dir->get(), path);
  if (!meta) return std::nullopt;  // being removed
  base::UniqueFd data{::openat(dir->get(), data_folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!data) throw base::os_error("opening the data of volume ", base::quoted(meta->name));
  return Volume{.name = std::move(meta->name),
                .created = std::move(meta->created),
                .anonymous = meta->anonymous,
                .words = std::move(meta->words),
                .data = std::move(data),
                .data_path = base::concat(store.root_path(), "/", path, "/", data_folder),
                .needs_copy_up = !meta->populated};
}

/// Made whole in staging; losing the race against another maker is as good as winning it. Anonymous volumes belong to
/// one container and share its fate, so they are not worth a flush.
bool make_volume(const Store& store, const std::string& name, bool anonymous, const VolumeWords& words) {
  const Staging staging = Staging::begin(store);
  const base::UniqueFd dir = base::make_directory(staging.dir(), "volume");
  const base::UniqueFd data = base::make_directory(dir.get(), data_folder, 0755);
  if (::fchmod(data.get(), 0755) != 0) throw base::os_error("setting the mode of a volume");
  const VolumeMeta meta{
      .name = name, .created = base::format_rfc3339(base::now()), .anonymous = anonymous, .words = words};
  const auto durability = anonymous ? base::Durability::volatile_ : base::Durability::flushed;
  base::write_file_atomically(dir.get(), "meta", render(meta), durability);
  const bool is_ours = base::rename_no_replace(staging.dir(), "volume", store.root(), layout::volume(name));
  if (!anonymous) base::flush(base::open_directory(store.root(), "volumes").get(), "the folder of volumes");
  return is_ours;
}

}  // namespace

bool create_volume(const Store& store, const std::string& name, const VolumeWords& words) {
  check_name(name);
  return make_volume(store, name, false, words);
}

Volume open_or_create_volume(const Store& store, const std::string& name, bool anonymous) {
  check_name(name);
  constexpr int max_attempts = 16;  // each further one means that another process removed it meanwhile
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (auto volume = open_volume(store, layout::volume(name))) return std::move(*volume);
    make_volume(store, name, anonymous, {});
  }
  throw base::make_error(base::ErrorKind::in_use, "volume ", base::quoted(name), " is being removed again and again");
}

std::optional<Volume> find_volume(const Store& store, const std::string& name) {
  if (!layout::is_object_name(name)) return std::nullopt;
  return open_volume(store, layout::volume(name));
}

std::vector<Volume> list_volumes(const Store& store) {
  std::vector<Volume> volumes;
  for (const std::string& file : base::list_directory(store.root(), "volumes")) {
    if (file.front() == '.') continue;
    if (auto volume = open_volume(store, base::concat("volumes/", file))) volumes.push_back(std::move(*volume));
  }
  return volumes;
}

base::FileLock lock_volume(const Store& store, const std::string& name) {
  check_name(name);
  const auto dir = base::try_open_directory(store.root(), layout::volume(name));
  if (!dir) throw base::make_error(base::ErrorKind::not_found, "no such volume ", base::quoted(name));
  return base::FileLock::acquire(dir->get(), "lock", base::FileLock::Mode::exclusive, lock_rank::volume);
}

void mark_volume_populated(const Store& store, const base::FileLock&, const std::string& name) {
  const base::UniqueFd dir = base::open_directory(store.root(), layout::volume(name));
  auto meta = read_meta(dir.get(), name);
  if (!meta) throw base::make_error(base::ErrorKind::not_found, "no such volume ", base::quoted(name));
  meta->populated = true;
  const auto durability = meta->anonymous ? base::Durability::volatile_ : base::Durability::flushed;
  base::write_file_atomically(dir.get(), "meta", render(*meta), durability);
}

void restore_volume_record(const Store& store, const base::FileLock&, const std::string& name) {
  const base::UniqueFd dir = base::open_directory(store.root(), layout::volume(name));
  const VolumeMeta meta{
      .name = name, .created = base::format_rfc3339(base::now()), .anonymous = false, .populated = true};
  base::write_file_atomically(dir.get(), "meta", render(meta));
}

void remove_volume(const Store& store, const base::FileLock&, const std::string& name) {
  check_name(name);
  const bool is_relied_on = !is_anonymous(store, layout::volume(name));
  const std::string trashed = move_to_trash(store, layout::volume(name));
  // Power loss may not bring back a part of it.
  if (is_relied_on) base::flush(base::open_directory(store.root(), "volumes").get(), "the folder of volumes");
  delete_trashed(store, trashed);
}

}  // namespace storage
