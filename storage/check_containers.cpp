#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/blobs.hpp"
#include "storage/check_parts.hpp"
#include "storage/container_names.hpp"
#include "storage/container_records.hpp"
#include "storage/containers.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/volumes.hpp"

// Containers with their records, states and names; volumes. What runs is engine's to find out.

namespace storage {
namespace {

std::string short_id(const std::string& id) {
  return id.substr(0, 12);
}

Finding damaged_container(const std::string& id, std::string_view kind, const std::string& message) {
  return {.severity = Severity::damage,
          .kind = kind,
          .object = id,
          .message = message,
          .remedy = base::concat("engine rm --force ", short_id(id)),
          .cure = Cure::remove_container};
}

void note_needs(StoreCheck& check, const ContainerRecord& record) {
  const std::string user = base::concat("container ", record.name.empty() ? short_id(record.id) : record.name);
  std::vector<base::Digest> manifests;
  if (!record.manifest.empty()) {
    manifests.push_back(base::Digest::parse(record.manifest));
    // With an image of that manifest, its record has led there already.
    const bool is_known = base::exists(check.store.root(), layout::image(manifests.front()));
    if (!is_known && !check.is_quick()) check_image_parts(check, manifests.front(), user);
    check.small_blobs.insert(manifests.front());
    if (!record.image_id.empty()) check.small_blobs.insert(base::Digest::from_hex(record.image_id));
  }
  for (const std::string& text : record.chain_ids) {
    LayerNeed& need = check.layers[base::Digest::parse(text)];
    need.users.push_back(user);
    if (record.uid_map.empty()) need.variants.insert(record.variant);  // others are made when it starts
    if (need.manifests.empty()) need.manifests = manifests;
  }
}

void check_name_link(StoreCheck& check, const ContainerRecord& record) {
  if (record.name.empty()) return;
  const auto bytes = base::try_read_file(check.store.root(), layout::container_name(record.name), max_record_bytes);
  std::string holder;
  try {
    if (bytes) holder = parse_record(*bytes, "name").at("id").string();
  } catch (const base::Error&) {  // as good as none: names are links to records, and this one is not ours
  }
  if (holder == record.id) return;
  const bool is_taken = layout::is_container_id(holder) && base::exists(check.store.root(), layout::container(holder));
  check.add({.severity = Severity::damage,
             .kind = "container-name",
             .object = record.id,
             .message = base::concat("container ", short_id(record.id), " is not found by its name ",
                                     base::quoted(record.name),
                                     is_taken ? base::concat(", which belongs to ", short_id(holder)) : ""),
             .remedy = is_taken ? base::concat("use its id, or engine rm --force ", short_id(record.id))
                                : std::string{repair_command},
             .cure = is_taken ? Cure::remove_container : Cure::link_name});
}

void check_state(StoreCheck& check, const ContainerDir& container) {
  const auto is_file = [&] {
    struct stat info {};
    if (::fstatat(container.dir.get(), "state", &info, AT_SYMLINK_NOFOLLOW) == 0) return S_ISREG(info.st_mode);
    return true;  // gone, or it cannot be looked at: no reason for more than writing it again
  };
  try {
    const auto bytes = base::try_read_file(container.dir.get(), "state", max_record_bytes);
    // Without one it was never started, or the note in `alive` says so.
    if (bytes) parse_state(*bytes, "state of container ", short_id(container.id));
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::unsupported) return;  // a newer engine's
    check.add(because_of(
        error, {.severity = Severity::damage,
                .kind = "container-state",
                .object = container.id,
                .message = base::concat("how container ", short_id(container.id), " ended is lost: ", error.message()),
                .remedy = base::concat(repair_command, "   or   engine rm --force ", short_id(container.id)),
                .cure = is_file() ? Cure::write_state : Cure::remove_container}));
  }
}

void check_container(StoreCheck& check, const ContainerDir& container) {
  try {
    const ContainerRecord record = read_record(container);
    if (record.id != container.id)
      check.add(damaged_container(
          container.id, "container-record",
          base::concat("container ", short_id(container.id), " has the record of ", short_id(record.id))));
    note_needs(check, record);
    check_name_link(check, record);
  } catch (const base::Error& error) {
    check.is_reach_known = false;
    const bool is_missing = error.kind() == base::ErrorKind::not_found;
    check.add(because_of(error, damaged_container(container.id, "container-record",
                                                  base::concat("container ", short_id(container.id),
                                                               " cannot be used, and what it keeps is not known: ",
                                                               is_missing ? "it has no record" : error.message()))));
  }
  if (!base::exists(container.dir.get(), "config.json"))
    check.add(damaged_container(container.id, "container-config",
                                base::concat("container ", short_id(container.id), " has no config.json")));
  if (!check.is_quick()) check_state(check, container);
}

void check_volume(StoreCheck& check, const std::string& file) {
  const std::string path = base::concat("volumes/", file);
  const std::string name = layout::decode_name(file);
  const auto dir = base::try_open_directory(check.store.root(), path);
  if (!dir) return;
  if (!base::exists(dir->get(), "_data")) {
    check.add({.severity = Severity::damage,
               .kind = "volume-data",
               .object = name,
               .message = base::concat("the content of volume ", base::quoted(name), " is lost: it has no \"_data\""),
               .remedy = base::concat("engine volume rm ", name)});
    return;
  }
  auto why = base::make_error(base::ErrorKind::not_found, "it has no record");
  try {
    if (const auto volume = find_volume(check.store, name); volume && volume->name == name) return;
  } catch (const base::Error& error) {
    why = error;
  }
  if (!base::exists(check.store.root(), path)) return;  // removed meanwhile
  check.add(
      because_of(why, {.severity = Severity::damage,
                       .kind = "volume-record",
                       .object = name,
                       .message = base::concat("volume ", base::quoted(name), " cannot be used: ", why.message()),
                       .remedy = base::concat(repair_command, " writes its record again; its content is not touched"),
                       .cure = Cure::write_volume_record,
                       .path = path}));
}

}  // namespace

void check_containers(StoreCheck& check) {
  for (const std::string& id : peek_container_ids(check.store)) {
    const auto container = open_container(check.store, id);
    if (!container) continue;
    const std::size_t known = check.findings.size();
    check_container(check, *container);
    if (check.findings.size() > known && !base::exists(check.store.root(), layout::container(id)))
      check.findings.erase(check.findings.begin() + static_cast<std::ptrdiff_t>(known), check.findings.end());
  }
}

void check_names_of_containers(StoreCheck& check) {
  for (const std::string& file : base::list_directory(check.store.root(), "names")) {
    const std::string name = layout::decode_name(file);
    if (name.empty() || is_name_in_use(check.store, name)) continue;
    check.add({.severity = Severity::leftover,
               .kind = "container-name-stale",
               .object = name,
               .message = base::concat("the container name ", base::quoted(name), " belongs to no container"),
               .remedy = "goes away with the next command that meets it",
               .cure = Cure::sweep});
  }
}

void check_volumes(StoreCheck& check) {
  for (const std::string& file : base::list_directory(check.store.root(), "volumes"))
    if (file.front() != '.') check_volume(check, file);
}

}  // namespace storage
