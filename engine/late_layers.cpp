#include "engine/late_layers.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "engine/container_ids.hpp"
#include "engine/driver.hpp"
#include "engine/trash.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/prune.hpp"

namespace engine {
namespace {

constexpr std::uint64_t bytes_like_an_entry = 64 * 1024;  // what takes as long to copy as to make one file
constexpr int least_niceness = 19;

/// Whether all of them are there for the caller's default map.
bool has_all_originals(Engine& engine, const std::vector<base::Digest>& chains) {
  return has_all(engine, {chains, engine.variant(), {}});
}

bool is_large(Engine& engine, const LayersForIds& layers) {
  std::uint64_t entries = 0;
  for (const base::Digest& chain : layers.chains) {
    if (storage::has_layer(engine.store(), chain, layers.variant)) continue;
    const auto meta = storage::read_layer_meta(engine.store(), chain);
    if (meta) entries += meta->entries + meta->unpacked_bytes / bytes_like_an_entry;
  }
  return entries >= engine.config.wait_below_entries;
}

std::vector<std::string> words_for(const std::string& stage, const LayersForIds& layers) {
  std::vector<std::string> words{stage, layers.variant, map_as_text(layers.map)};
  for (const base::Digest& chain : layers.chains) words.push_back(chain.text());
  return words;
}

/// Without our streams: whoever waits for their end waits for the container, not for this.
base::Child spawn_stage(Engine& engine, const std::string& stage, const LayersForIds& layers) {
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.emplace_back("_late-layers");
  for (std::string& word : words_for(stage, layers)) command.argv.push_back(std::move(word));
  const base::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw base::os_error("opening \"/dev/null\"");
  command.fds = {{null.get(), STDOUT_FILENO}, {null.get(), STDERR_FILENO}};
  command.null_stdin = true;
  command.new_session = true;
  return base::spawn(command);
}

bool is_somebody_at_work(Engine& engine, const LayersForIds& layers) {
  return std::any_of(layers.chains.begin(), layers.chains.end(), [&](const base::Digest& chain) {
    return !storage::has_layer(engine.store(), chain, layers.variant) &&
           base::FileLock::is_held(engine.store().root(), storage::layout::pull_lock(chain));
  });
}

/// Our staging folder has kept them from a removal of the image meanwhile, which has ended without them.
void sweep_unreachable(Engine& engine, const LayersForIds& layers) {
  const auto is_one = [&](const std::string& path) {
    return std::any_of(layers.chains.begin(), layers.chains.end(),
                       [&](const base::Digest& chain) { return path == storage::layout::layer(chain); });
  };
  {
    const storage::Objects needed = storage::find_reachable(engine.store());
    const auto is_needed = [&](const base::Digest& chain) { return needed.layers.count(chain) != 0; };
    if (std::all_of(layers.chains.begin(), layers.chains.end(), is_needed)) return;
    const storage::GcLock lock = engine.store().lock_garbage();
    storage::Garbage garbage = storage::find_garbage(engine.store(), lock);
    if (std::none_of(garbage.paths.begin(), garbage.paths.end(), is_one)) return;
    storage::move_garbage(engine.store(), lock, garbage);
  }
  empty_trash(engine);
}

void work(Engine& engine, const LayersForIds& layers) {
  if (::nice(least_niceness) < 0) base::log(base::LogLevel::debug, "the niceness stays as it is");
  if (::chdir("/") != 0) throw base::os_error("changing to the root directory");
  if (!has_all_originals(engine, layers.chains)) return;  // removed meanwhile
  ensure_id_variants(engine, layers);
  sweep_unreachable(engine, layers);
}

}  // namespace

bool can_wait(Engine& engine, const LayersForIds& layers) {
  if (layers.map.single || layers.variant == engine.variant() || !is_large(engine, layers)) return false;
  return choose_driver(engine) == base::RootfsDriver::overlay && can_serve_lowers(engine);
}

LayersForIds recorded_layers(const storage::ContainerRecord& record) {
  LayersForIds layers{{}, record.variant, recorded_map(record)};
  for (const std::string& chain : record.chain_ids) layers.chains.push_back(base::Digest::parse(chain));
  return layers;
}

storage::RootfsRequest rootfs_request(Engine& engine, const storage::ContainerDir& container,
                                      const storage::ContainerRecord& record) {
  storage::RootfsRequest request{
      .driver = storage::parse_driver(record.driver), .variant = record.variant, .container_dir = container.dir.get()};
  request.folder = record.rootfs;
  for (const std::string& chain : record.chain_ids) request.chain_ids.push_back(base::Digest::parse(chain));
  const bool may_be_late = request.driver == base::RootfsDriver::overlay && record.variant != engine.variant();
  if (!may_be_late || has_all(engine, {request.chain_ids, record.variant, {}}) ||
      !has_all_originals(engine, request.chain_ids))
    return request;
  request.variant = engine.variant();
  request.served_lowers = true;
  return request;
}

void complete_layers(Engine& engine, const storage::ContainerRecord& record, bool may_be_served) {
  if (record.uid_map.empty() || !record.rootfs.empty()) return;  // the default map
  const LayersForIds layers = recorded_layers(record);
  if (has_all(engine, layers)) return;
  const bool is_native = storage::parse_driver(record.driver) == base::RootfsDriver::overlay;
  if (may_be_served && is_native && can_wait(engine, layers)) return;
  ensure_id_variants(engine, layers);
}

void make_layers_later(Engine& engine, const LayersForIds& layers) noexcept {
  try {
    if (!is_somebody_at_work(engine, layers)) spawn_stage(engine, "begin", layers).wait();
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "making layers for other ids later: ", error.message());
  }
}

int late_layers(Engine& engine, const std::vector<std::string>& words) {
  LayersForIds layers{{}, words.at(1), parse_map_text(words.at(2))};
  for (std::size_t i = 3; i < words.size(); ++i) layers.chains.push_back(base::Digest::parse(words[i]));
  if (words.at(0) == "begin")
    spawn_stage(engine, "work", layers).detach();
  else
    work(engine, layers);
  return 0;
}

}  // namespace engine
