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

Unpacker::Unpacker(Engine& engine, const storage::Staging& staging, std::vector<std::string> lowers)
    : owners_(engine.host.id_map.single ? storage::OwnerPolicy::single : storage::OwnerPolicy::mapped),
      variant_(engine.variant()),
      child_(start_child(engine)) {
  const base::UniqueFd parent = base::open_directory(engine.store().root(), "staging");
  const base::UniqueFd layers = base::open_directory(engine.store().root(), "layers");
  std::vector<base::UniqueFd> shared;
  std::vector<int> fds{parent.get(), layers.get()};
  for (const storage::SharedStore& store : engine.store().shared()) {
    shared.push_back(base::open_directory(store.root.get(), "layers"));
    fds.push_back(shared.back().get());
  }
  child_.channel.send(encode(StagingPlace{staging.name(), engine.config.unpack_limits, std::move(lowers)}), fds);
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

void Unpacker::adopt(std::string folder, std::vector<AdoptJob::Lower> lowers) {
  std::pair<base::Channel, base::Channel> reply = base::Channel::make_pair();
  child_.channel.send(encode(AdoptJob{std::move(folder), owners_, variant_, std::move(lowers)}), {reply.second.fd()});
  reply.second.close();
  Layer{std::move(reply.first)}.wait();
}

void Unpacker::finish() {
  child_.channel.send(encode_done());
  child_.process.wait();
}

}  // namespace engine
