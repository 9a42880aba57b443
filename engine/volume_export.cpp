#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/buffered_output.hpp"
#include "engine/inside.hpp"
#include "engine/volume_archive.hpp"
#include "engine/volume_options.hpp"
#include "engine/volumes.hpp"
#include "storage/pack_tree.hpp"
#include "storage/volumes.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

storage::Volume require_stored_volume(Engine& engine, const std::string& text) {
  const std::string name = find_volume_name(engine, text);
  auto volume = storage::find_volume(engine.store(), name);
  if (!volume) throw make_error(ErrorKind::not_found, "no such volume ", quoted(text));
  if (parse_volume_options(volume->words.options).kind != VolumeMeaning::Kind::folder)
    throw make_error(ErrorKind::unsupported, "volume ", quoted(name),
                     " is mounted from elsewhere: there is nothing of it in the store")
        .with_hint("its files can be reached inside a container, or with engine unshare engine volume mount");
  return std::move(*volume);
}

void export_volume(Engine& engine, const std::string& text, int output) {
  const storage::Volume volume = require_stored_volume(engine, text);
  run_inside(engine, {"export-volume", volume.name}, nullptr, output);
}

void export_volume_inside(Engine& engine, const std::string& name) {
  const auto volume = storage::find_volume(engine.store(), name);
  if (!volume) throw make_error(ErrorKind::not_found, "no such volume ", quoted(name));
  const base::UniqueFd root{::openat(volume->data.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening volume ", quoted(name));
  BufferedOutput output{STDOUT_FILENO};
  const storage::PackResult result = storage::pack_tree(root.get(), output);
  output.flush();
  if (result.skipped_sockets > 0)
    base::log(base::LogLevel::warn, result.skipped_sockets, " sockets are not in the archive");
}

}  // namespace engine
