#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/stream.hpp"
#include "engine/unpack_protocol.hpp"
#include "engine/unpack_sandbox.hpp"
#include "engine/volume_archive.hpp"
#include "engine/volumes.hpp"
#include "registry/archive_file.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/unpack.hpp"

namespace engine {
namespace {

/// Layers are never compressed by xz or bzip2, archives are: those are inflated by libarchive, out here.
base::UniqueFd readable_input(const Engine& engine, int input) {
  const bool can_look = ::lseek(input, 0, SEEK_CUR) >= 0;  // a pipe's bytes can be read only once
  if (!can_look || !registry::is_compressed_for_archives_only(input)) return base::duplicate(input);
  base::UniqueFd copy = registry::uncompressed_copy(input, engine.config.spool);
  return copy;
}

rootless::MappedChild start_child(const Engine& engine) {
  base::Command command{.path = own_program("engine-transfer"), .argv = {"engine-transfer", "_unpack"}};
  if (!engine.config.build.empty()) command.argv.insert(command.argv.begin() + 1, "--build=" + engine.config.build);
  command.null_stdin = true;
  command.die_with_parent = true;  // unlike pull's, it has nothing to take back
  return rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host);
}

void warn_of_omissions(const storage::UnpackResult& result) {
  if (result.skipped_devices > 0)
    base::log(base::LogLevel::warn, result.skipped_devices, " devices were left out: no user namespace may make one");
  if (result.dropped_xattrs > 0)
    base::log(base::LogLevel::warn, result.dropped_xattrs, " extended attributes were left out");
}

}  // namespace

void import_volume(Engine& engine, const std::string& text, int input) {
  const storage::Volume found = require_stored_volume(engine, text);
  const base::UniqueFd bytes = readable_input(engine, input);
  const base::FileLock lock = storage::lock_volume(engine.store(), found.name);
  const auto volume = storage::find_volume(engine.store(), found.name);
  if (!volume)
    throw base::make_error(base::ErrorKind::not_found, "volume ", base::quoted(found.name), " was removed meanwhile");
  // From now on it has content of its own, which no image's may be put over.
  storage::mark_volume_populated(engine.store(), lock, volume->name);
  rootless::MappedChild child = start_child(engine);
  const auto owners = engine.host.id_map.single ? storage::OwnerPolicy::single : storage::OwnerPolicy::mapped;
  child.channel.send(encode(VolumePlace{owners, engine.config.unpack_limits}), {volume->data.get(), bytes.get()});
  const auto verdict = child.channel.receive();
  if (!verdict) throw base::make_error(base::ErrorKind::internal, "the unpacking process died");
  warn_of_omissions(base::with_context([&] { return decode_result(verdict->bytes); }, "importing into volume ",
                                       base::quoted(volume->name)));
  child.process.wait();
}

void import_volume_inside(const base::Channel& channel, base::Channel::Message message) {
  const VolumePlace place = decode_volume(message.bytes);
  if (message.fds.size() != 2) throw base::make_error(base::ErrorKind::internal, "no volume came");
  std::string verdict;
  try {
    const base::UniqueFd target{::openat(message.fds[0].get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!target) throw base::os_error("opening the volume");
    base::sha256("");  // OpenSSL reads its configuration now, while it may
    const base::UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (!null) throw base::os_error("opening /dev/null");
    enter_volume_sandbox(target.get());
    base::FdSource bytes{message.fds[1].get()};
    verdict = encode(storage::unpack_files({.compressed = bytes,
                                            .target_dir = target.get(),
                                            .unused_manifest = null.get(),
                                            .owners = place.owners,
                                            .limits = place.limits}));
  } catch (const base::Error& error) {
    verdict = encode(error);
  }
  channel.send(verdict);
}

}  // namespace engine
