#include "engine/id_variants.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "base/log.hpp"
#include "engine/inside.hpp"
#include "rootless/id_ranges.hpp"
#include "storage/id_variants.hpp"
#include "storage/images.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/staging.hpp"
#include "storage/trash.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;

namespace {

constexpr unsigned max_threads = 8;
constexpr std::chrono::milliseconds before_news{1000};  // what takes less is not worth a line
constexpr std::chrono::milliseconds news_interval{100};
constexpr const char* progress_item = "layers for other ids";

std::vector<rootless::IdRange> parse_map_lines(std::string_view text) {
  std::vector<rootless::IdRange> ranges;
  for (const std::string_view line : base::split(text, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view word : base::split(line, ' '))
      if (const auto number = base::parse_unsigned(word); number && *number <= UINT32_MAX)
        numbers.push_back(static_cast<std::uint32_t>(*number));
    if (numbers.size() == 3) ranges.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return ranges;
}

/// The same owner on disk means a link instead of a copy: how many ids of containers have that, root's counting most.
std::uint64_t likeness(const rootless::IdMap& one, const rootless::IdMap& other) {
  constexpr std::uint64_t more_than_all_ids = std::uint64_t{1} << 33;
  std::uint64_t same = 0;
  for (const rootless::IdRange& range : rootless::translation(one.uids, other.uids))
    if (range.inside == range.outside) same += range.count;
  const auto root = rootless::map_out(one.uids, 0);
  return same + (root && root == rootless::map_out(other.uids, 0) ? more_than_all_ids : 0);
}

struct Neighbour {
  std::string variant;
  rootless::IdMap map;
};

/// The best variant that all of these layers have.
Neighbour find_neighbour(Engine& engine, const std::vector<base::Digest>& chains, const rootless::IdMap& wanted) {
  Neighbour best{engine.variant(), engine.host.id_map};
  if (wanted.single) return best;
  for (const std::string& variant : storage::list_variants(engine.store(), chains.front())) {
    const auto text = storage::variant_map_text(engine.store(), chains.front(), variant);
    if (!text) continue;
    rootless::IdMap map = parse_map_text(*text);
    const bool is_usable = rootless::lies_within(map, engine.host.id_map) &&
                           std::all_of(chains.begin(), chains.end(), [&](const base::Digest& chain) {
                             return storage::has_layer(engine.store(), chain, variant);
                           });
    if (is_usable && likeness(map, wanted) > likeness(best.map, wanted)) best = {variant, std::move(map)};
  }
  return best;
}

/// In the ids of the namespace that the work is done in, which has the caller's default map.
std::vector<storage::OwnerRange> owner_ranges(const std::vector<rootless::IdRange>& from,
                                              const std::vector<rootless::IdRange>& to,
                                              const std::vector<rootless::IdRange>& caller) {
  const auto on_host = rootless::translation(from, to);
  const auto to_new_host = rootless::compose_common(caller, on_host);
  std::vector<storage::OwnerRange> result;
  for (const rootless::IdRange& range : rootless::compose_common(to_new_host, rootless::inverse(caller)))
    result.push_back({range.inside, range.outside, range.count});
  return result;
}

std::vector<base::Digest> missing_layers(Engine& engine, const std::vector<base::Digest>& chains,
                                         const std::string& variant) {
  std::vector<base::Digest> missing;
  for (const base::Digest& chain : chains)
    if (!storage::has_layer(engine.store(), chain, variant)) missing.push_back(chain);
  return missing;
}

/// In the order of the lock files, and each once although two layers may share one.
std::vector<base::FileLock> lock_stripes(const storage::Store& store, const std::vector<base::Digest>& chains) {
  std::map<std::string, base::Digest> stripes;
  for (const base::Digest& chain : chains) stripes.emplace(storage::layout::pull_lock(chain), chain);
  std::vector<base::FileLock> locks;
  for (const auto& [name, chain] : stripes) locks.push_back(store.lock_digest(chain));
  return locks;
}

/// What `make-variants` is told, and understands.
std::vector<std::string> words_for(Engine& engine, const storage::Staging& staging, const LayersForIds& wanted,
                                   const Neighbour& source) {
  const rootless::IdMap& caller = engine.host.id_map;
  std::vector<std::string> words{
      "make-variants",
      staging.name(),
      source.variant,
      wanted.variant,
      map_as_text(wanted.map),
      storage::owner_ranges_text(owner_ranges(source.map.uids, wanted.map.uids, caller.uids)),
      storage::owner_ranges_text(owner_ranges(source.map.gids, wanted.map.gids, caller.gids)),
      concat(intermediate_uid(engine, wanted.map, 0)),
      wanted.map.single ? "single" : "mapped"};
  for (const base::Digest& chain : wanted.chains) words.push_back(chain.text());
  return words;
}

std::uint64_t content_bytes(Engine& engine, const std::vector<base::Digest>& chains) {
  std::uint64_t total = 0;
  for (const base::Digest& chain : chains)
    if (const auto meta = storage::read_layer_meta(engine.store(), chain)) total += meta->unpacked_bytes;
  return total;
}

/// Under the digest locks of all of them.
void make_missing(Engine& engine, const storage::Staging& staging, const LayersForIds& missing,
                  const Neighbour& source) {
  bool is_shown = false;
  run_inside(engine, words_for(engine, staging, missing, source), [&](std::string_view done) {
    if (!is_shown) engine.progress.begin(progress_item, content_bytes(engine, missing.chains));
    is_shown = true;
    engine.progress.advance(progress_item, base::parse_unsigned(done).value_or(0));
  });
  if (is_shown) engine.progress.end(progress_item, "done");
  storage::publish_id_variants(engine.store(), engine.store().hold_garbage(), staging.dir(), missing.chains,
                               missing.variant);
}

/// After staging.keep().
void make_where_missing(Engine& engine, const storage::Staging& staging, const LayersForIds& layers) {
  const std::vector<base::FileLock> stripes = lock_stripes(engine.store(), layers.chains);
  const LayersForIds missing{missing_layers(engine, layers.chains, layers.variant), layers.variant, layers.map};
  if (missing.chains.empty()) return;
  base::with_context(
      [&] { make_missing(engine, staging, missing, find_neighbour(engine, missing.chains, missing.map)); },
      "preparing the image for the container's ids");
}

}  // namespace

std::string map_as_text(const rootless::IdMap& map) {
  return concat(rootless::map_text(map.uids), '\n', rootless::map_text(map.gids));
}

rootless::IdMap parse_map_text(const std::string& text) {
  const std::size_t half = text.find("\n\n");
  if (half == std::string::npos) return {};
  return {.uids = parse_map_lines(text.substr(0, half)), .gids = parse_map_lines(text.substr(half + 2))};
}

bool has_all(Engine& engine, const LayersForIds& layers) {
  return missing_layers(engine, layers.chains, layers.variant).empty();
}

storage::OwnerTranslation translation_from_default(Engine& engine, const rootless::IdMap& map) {
  const rootless::IdMap& caller = engine.host.id_map;
  return {.uids = owner_ranges(caller.uids, map.uids, caller.uids),
          .gids = owner_ranges(caller.gids, map.gids, caller.gids),
          .root_uid = intermediate_uid(engine, map, 0),
          .single = map.single};
}

void ensure_id_variants(Engine& engine, ImageForRun& image, const ContainerIds& ids) {
  const LayersForIds wanted{image.record.chain_ids, ids.variant, ids.map};
  if (has_all(engine, wanted)) return;
  const storage::Staging staging = storage::Staging::begin(engine.store());
  std::vector<base::Digest> counted_on = wanted.chains;
  counted_on.insert(counted_on.end(), {image.record.manifest, image.record.config});
  staging.keep(image.hold, counted_on);
  { const storage::GcHold given_up = std::move(image.hold); }
  make_where_missing(engine, staging, wanted);
  image.hold = engine.store().hold_garbage();
  if (storage::read_image(engine.store(), image.record.manifest)) return;
  throw make_error(ErrorKind::not_found, "image ", base::quoted(image.name),
                   " was removed while it was being prepared");
}

void ensure_id_variants(Engine& engine, const LayersForIds& layers) {
  if (has_all(engine, layers)) return;
  const storage::Staging staging = storage::Staging::begin(engine.store());
  staging.keep(engine.store().hold_garbage(), layers.chains);
  make_where_missing(engine, staging, layers);
}

void prepare_default_variants(Engine& engine, const std::string& image_id) {
  try {
    const RunOptions nothing_asked_for;
    storage::GcHold hold = engine.store().hold_garbage();
    const auto found = storage::find_image(engine.store(), image_id);
    if (!found || found->read_only) return;
    const ContainerIds ids = choose_container_ids(engine, nothing_asked_for, found->record.chain_ids);
    if (ids.reservation || ids.variant == engine.variant()) return;
    ImageForRun image{found->record, image_id, std::move(hold)};
    ensure_id_variants(engine, image, ids);
  } catch (const base::Error& error) {  // the image is here, and whoever starts a container is told again
    if (error.kind() == ErrorKind::interrupted) throw;
    base::log(base::LogLevel::warn, error.message());
  }
}

void remake_id_variant(Engine& engine, const base::Digest& chain, const std::string& variant,
                       const rootless::IdMap& map) {
  const storage::Store& store = engine.store();
  const storage::Staging staging = storage::Staging::begin(store);
  staging.keep(store.hold_garbage(), {chain});
  const std::vector<base::FileLock> stripes = lock_stripes(store, {chain});
  const std::string path = storage::layout::layer_variant(chain, variant);
  {
    const storage::GcLock lock = store.lock_garbage();
    if (base::exists(store.root(), path)) storage::move_to_trash(store, path);
  }
  // Only the default variant is compared with the owner manifest: others may be damaged as this one is.
  make_missing(engine, staging, {{chain}, variant, map}, {engine.variant(), engine.host.id_map});
}

void make_id_variants_inside(Engine& engine, const std::vector<std::string>& words,
                             const std::function<void(std::string_view)>& tell) {
  storage::IdVariantRequest request{
      .chain_ids = {},
      .source = words.at(2),
      .variant = words.at(3),
      .map_text = words.at(4),
      .staging_name = words.at(1),
      .translation = {.uids = storage::parse_owner_ranges(words.at(5)),
                      .gids = storage::parse_owner_ranges(words.at(6)),
                      .root_uid = static_cast<std::uint32_t>(base::parse_unsigned(words.at(7)).value_or(0)),
                      .single = words.at(8) == "single"}};
  for (std::size_t i = 9; i < words.size(); ++i) request.chain_ids.push_back(base::Digest::parse(words[i]));
  const auto start = std::chrono::steady_clock::now();
  auto next_news = start + before_news;
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, max_threads);
  storage::make_id_variants(engine.store(), request, threads, [&](std::uint64_t done_bytes) {
    if (std::chrono::steady_clock::now() < next_news) return;
    next_news = std::chrono::steady_clock::now() + news_interval;
    tell(concat(done_bytes));
  });
}

}  // namespace engine
