#include "engine/container_tree.hpp"

#include <set>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/buffered_output.hpp"
#include "engine/container_changes.hpp"
#include "engine/container_layers.hpp"
#include "engine/image_paths.hpp"
#include "engine/images.hpp"
#include "engine/inside.hpp"
#include "engine/late_layers.hpp"
#include "engine/selection.hpp"
#include "storage/pack_tree.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;
using Kind = ImageChange::Kind;

constexpr std::size_t max_list_bytes = 1024UL * 1024 * 1024;  // paths of all that a container changed

/// The child's list: "A/path" NUL "D/other" NUL …
std::vector<ImageChange> parse_changes(std::string_view text) {
  std::vector<ImageChange> changes;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (one.size() < 2 || (one[0] != 'A' && one[0] != 'C' && one[0] != 'D'))
      throw make_error(ErrorKind::internal, "the helper sent a strange list of changes");
    changes.push_back({static_cast<Kind>(one[0]), std::string{one.substr(1)}});
  }
  return changes;
}

std::string read_from_start(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) throw base::os_error("looking at the list of changes");
  if (static_cast<std::size_t>(size) > max_list_bytes)
    throw make_error(ErrorKind::unsupported, "the container changed too much for a list");
  std::string text(static_cast<std::size_t>(size), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got <= 0) throw base::os_error("reading the list of changes");
    done += static_cast<std::size_t>(got);
  }
  return text;
}

storage::ContainerDir open_by_id(Engine& engine, const std::string& id) {
  auto container = storage::open_container(engine.store(), id);
  if (!container) throw make_error(ErrorKind::not_found, "no container with id ", quoted(id));
  return std::move(*container);
}

/// Those of its own ids: layers that are only served so far have other owners.
void wait_for_layers(Engine& engine, const std::string& id) {
  complete_layers(engine, storage::read_record(open_by_id(engine, id)));
}

std::vector<ImageChange> changes_of(Engine& engine, const std::string& id) {
  wait_for_layers(engine, id);
  const base::UniqueFd list{::memfd_create("changes", MFD_CLOEXEC)};
  if (!list) throw base::os_error("making a file in memory");
  run_inside(engine, {"list-changes", id}, nullptr, list.get());
  return parse_changes(read_from_start(list.get()));
}

/// A container or an image that is to be compared with something else.
ImagePaths paths_of(Engine& engine, const std::optional<storage::ContainerRecord>& container,
                    const std::string& image) {
  const storage::Store& store = engine.store();
  if (!container) {
    const std::vector<base::Digest> chains = require_image(store, image).record.chain_ids;
    return ImagePaths::read(store, chains, chains.size());
  }
  std::vector<base::Digest> chains;
  for (const std::string& chain : container->chain_ids) chains.push_back(base::Digest::parse(chain));
  ImagePaths paths = ImagePaths::read(store, chains, chains.size());
  paths.apply(changes_of(engine, container->id));
  return paths;
}

std::optional<storage::ContainerRecord> container_named(Engine& engine, const std::string& name, DiffOf of) {
  if (of == DiffOf::images) return std::nullopt;
  if (of == DiffOf::containers) return storage::read_record(require_container(engine, name));
  const auto found = storage::find_container(engine.store(), name);
  return found ? std::optional{storage::read_record(*found)} : std::nullopt;
}

void warn_of_sockets(const storage::PackResult& result) {
  if (result.skipped_sockets > 0)
    base::log(base::LogLevel::debug, result.skipped_sockets, " sockets are not in the archive");
}

}  // namespace

std::vector<ImageChange> diff(Engine& engine, const std::string& name, const std::string& other, DiffOf of) {
  const auto container = container_named(engine, name, of);
  if (!container && of == DiffOf::anything && !storage::resolve_image(engine.store(), name))
    throw make_error(ErrorKind::not_found, "no container or image ", quoted(name));
  if (other.empty()) {
    if (!container) return image_diff(engine, name, "");
    std::vector<ImageChange> changes = changes_of(engine, container->id);
    std::erase_if(changes, [](const ImageChange& change) { return is_made_by_runtimes(change.path); });
    return changes;
  }
  const ImagePaths later = paths_of(engine, container, name);
  const ImagePaths earlier = paths_of(engine, container_named(engine, other, of), other);
  return compare_paths(earlier.inodes(), later.inodes());
}

void export_container(Engine& engine, const std::string& name, int output) {
  const std::string id = require_container(engine, name).id;
  wait_for_layers(engine, id);
  run_inside(engine, {"export-container", id}, nullptr, output);
}

void pack_container_layer(Engine& engine, const std::string& id, bool everything, int output) {
  wait_for_layers(engine, id);
  run_inside(engine, {"pack-layer", id, everything ? "everything" : "changes"}, nullptr, output);
}

void list_changes_inside(Engine& engine, const std::string& id) {
  const storage::ContainerDir container = open_by_id(engine, id);
  const ContainerLayers layers = open_container_layers(engine, container, storage::read_record(container));
  BufferedOutput output{STDOUT_FILENO};
  for (const ImageChange& change : container_changes(layers)) {
    const char kind = static_cast<char>(change.kind);
    output.write({&kind, 1});
    output.write({change.path.c_str(), change.path.size() + 1});
  }
  output.flush();
}

void export_container_inside(Engine& engine, const std::string& id) {
  const storage::ContainerDir container = open_by_id(engine, id);
  const storage::ContainerRecord record = storage::read_record(container);
  const ContainerLayers layers = open_container_layers(engine, container, record);
  BufferedOutput output{STDOUT_FILENO};
  storage::PackOptions options{.whole_seconds = true, .with_root = false, .is_live = true};
  options.adjust = owners_in_container(engine, container, record);
  warn_of_sockets(storage::pack_union(layers.layers, storage::UnionScope::everything, output, options));
  output.flush();
}

void pack_container_layer_inside(Engine& engine, const std::string& id, bool everything) {
  const storage::ContainerDir container = open_by_id(engine, id);
  const storage::ContainerRecord record = storage::read_record(container);
  const ContainerLayers layers = open_container_layers(engine, container, record);
  BufferedOutput output{STDOUT_FILENO};
  storage::PackOptions options{.whole_seconds = true, .is_live = true};
  options.adjust = owners_in_container(engine, container, record);
  auto scope = everything ? storage::UnionScope::everything : storage::UnionScope::uppermost;
  std::vector<std::string> deleted;
  std::set<std::string, std::less<>> changed;
  if (!everything && !layers.is_union) {
    scope = storage::UnionScope::everything;
    for (const ImageChange& change : container_changes(layers))
      if (change.kind == Kind::deleted)
        deleted.push_back(change.path.substr(1));
      else
        changed.insert(change.path.substr(1));
    options.is_wanted = [&](const std::string& path, const struct stat&) { return changed.contains(path); };
  }
  warn_of_sockets(storage::pack_union(layers.layers, scope, output, options, deleted));
  output.flush();
}

}  // namespace engine
