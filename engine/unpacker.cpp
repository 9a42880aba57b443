#include "engine/unpacker.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"

namespace engine {
namespace {

rootless::MappedChild start_child(const Engine& engine) {
  base::Command command{.path = own_program("engine-transfer"), .argv = {"engine-transfer", "_unpack"}};
  if (!engine.config.build.empty()) command.argv.insert(command.argv.begin() + 1, "--build=" + engine.config.build);
  command.null_stdin = true;
  // Ctrl-C is for us: the child outlives us for as long as it takes to remove what it unpacked.
  command.new_session = true;
  return rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host);
}

}  // namespace

Unpacker::Unpacker(Engine& engine, const storage::Staging& staging)
    : owners_(engine.host.id_map.single ? storage::OwnerPolicy::single : storage::OwnerPolicy::mapped),
      child_(start_child(engine)) {
  const base::UniqueFd parent = base::open_directory(engine.store().root(), "staging");
  child_.channel.send(encode_staging(staging.name()), {parent.get()});
}

Unpacker::~Unpacker() {
  child_.channel.close();
  if (!child_.process) return;
  try {
    child_.process.wait();
  } catch (const base::Error&) {  // it is gone either way
  }
}

Unpacker::Layer Unpacker::unpack(oci::LayerCompression compression, const base::Digest& diff_id, int target,
                                 int compressed) {
  std::pair<base::Channel, base::Channel> reply = base::Channel::make_pair();
  const std::string message = encode(LayerJob{compression, diff_id, owners_});
  base::with_context(
      [&] {
        child_.channel.send(message, {target, compressed, reply.second.fd()});
      },
      "handing a layer to the unpacking process");
  return Layer{std::move(reply.first)};
}

storage::UnpackResult Unpacker::Layer::wait() {
  const std::optional<base::Channel::Message> verdict = reply_.receive();
  if (!verdict) throw base::make_error(base::ErrorKind::internal, "the unpacking process died");
  return decode_result(verdict->bytes);
}

void Unpacker::finish() {
  child_.channel.send(encode_done());
  child_.process.wait();
}

}  // namespace engine
