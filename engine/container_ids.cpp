#include "engine/container_ids.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/automatic_size.hpp"
#include "rootless/id_ranges.hpp"
#include "rootless/subids.hpp"
#include "storage/id_variants.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;
using Mode = rootless::UsernsRequest::Mode;

namespace {

/// The command line first, then PODMAN_USERNS, then containers.conf.
rootless::UsernsWords words_of(const Engine& engine, const RunOptions& options) {
  rootless::UsernsWords words{.userns = options.userns,
                              .uid_maps = options.uid_maps,
                              .gid_maps = options.gid_maps,
                              .subuid_name = options.subuid_name,
                              .subgid_name = options.subgid_name};
  const bool is_given = !words.userns.empty() || !words.uid_maps.empty() || !words.gid_maps.empty() ||
                        !words.subuid_name.empty() || !words.subgid_name.empty();
  if (!is_given) words.userns = rootless::environment("PODMAN_USERNS").value_or(engine.config.default_userns);
  return words;
}

rootless::CallerIds caller_of(const Engine& engine) {
  return {.uid = engine.host.uid,
          .gid = engine.host.gid,
          .map = engine.host.id_map,
          .is_root = engine.host.writes_maps,
          .single_reason = engine.host.single_reason,
          .single_hint = engine.host.single_hint};
}

rootless::IdMap named_map(const Engine& engine, const rootless::UsernsWords& words) {
  const std::string& uid_name = words.subuid_name.empty() ? words.subgid_name : words.subuid_name;
  const std::string& gid_name = words.subgid_name.empty() ? words.subuid_name : words.subgid_name;
  constexpr std::uint32_t nobody = 0xffffffffU;  // by name only
  const auto uids = rootless::find_subordinate_ids(uid_name, nobody).uids;
  const auto gids = rootless::find_subordinate_ids(gid_name, nobody).gids;
  if (uids.empty()) throw make_error(ErrorKind::not_found, "no range for ", quoted(uid_name), " in /etc/subuid");
  if (gids.empty()) throw make_error(ErrorKind::not_found, "no range for ", quoted(gid_name), " in /etc/subgid");
  return rootless::named_id_map(uids, gids, caller_of(engine));
}

/// "0:100000:65536", as note_ids() writes them.
std::vector<rootless::IdRange> parse_ranges(const std::vector<std::string>& lines) {
  std::vector<rootless::IdRange> ranges;
  for (const std::string& line : lines) {
    std::vector<std::uint32_t> numbers;
    for (const std::string_view field : base::split(line, ':'))
      if (const auto number = base::parse_unsigned(field); number && *number <= UINT32_MAX)
        numbers.push_back(static_cast<std::uint32_t>(*number));
    if (numbers.size() == 3) ranges.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return ranges;
}

std::vector<std::string> ranges_text(const std::vector<rootless::IdRange>& ranges) {
  std::vector<std::string> lines;
  for (const rootless::IdRange& range : ranges)
    lines.push_back(concat(range.inside, ':', range.outside, ':', range.count));
  return lines;
}

/// Of all containers that have a range of their own.
std::vector<rootless::IdMap> reserved_maps(Engine& engine) {
  std::vector<rootless::IdMap> maps;
  for (const std::string& id : storage::list_container_ids(engine.store())) {
    const auto container = storage::open_container(engine.store(), id);
    if (!container) continue;
    try {
      const storage::ContainerRecord record = storage::read_record(*container);
      if (record.userns == "auto" || record.userns.starts_with("auto:")) maps.push_back(recorded_map(record));
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
  }
  return maps;
}

std::uint32_t own_or(const std::optional<std::uint32_t>& wanted, std::uint32_t own) {
  return wanted.value_or(own);
}

std::uint32_t intermediate_id(const std::vector<rootless::IdRange>& map, const std::vector<rootless::IdRange>& caller,
                              std::uint32_t id) {
  const auto host = rootless::map_out(map, id);
  return host ? rootless::map_in(caller, *host).value_or(0) : 0;
}

std::vector<rootless::IdRange> ranges_of(const std::vector<runtime::IdMapping>& mappings) {
  std::vector<rootless::IdRange> ranges;
  for (const runtime::IdMapping& mapping : mappings)
    ranges.push_back({mapping.container_id, mapping.host_id, mapping.size});
  return ranges;
}

}  // namespace

bool ContainerIds::has_caller(const Engine& engine) const {
  return rootless::map_in(map.uids, engine.host.uid) && rootless::map_in(map.gids, engine.host.gid);
}

ContainerIds choose_container_ids(Engine& engine, const RunOptions& options,
                                  const std::vector<base::Digest>& chain_ids) {
  const rootless::UsernsWords words = words_of(engine, options);
  rootless::UsernsRequest request = rootless::parse_userns(words, engine.host.id_map);
  const rootless::CallerIds caller = caller_of(engine);
  ContainerIds ids;
  ids.mode = request.mode == Mode::host ? "" : words.userns.empty() ? "private" : words.userns;
  if (request.mode == Mode::automatic) {
    ids.reservation = storage::lock_automatic_ids(engine.store());
    if (!request.size) request.size = automatic_size(engine, chain_ids);
    ids.map = rootless::automatic_id_map(request, caller, reserved_maps(engine));
  } else if (request.mode == Mode::named) {
    ids.map = named_map(engine, words);
  } else {
    ids.map = rootless::container_id_map(request, caller);
  }
  ids.variant = rootless::variant_of(ids.map);
  if (request.mode == Mode::keep_id) {
    ids.own_uid = own_or(request.uid, engine.host.uid);
    ids.own_gid = own_or(request.gid, engine.host.gid);
  }
  return ids;
}

void note_ids(storage::ContainerRecord& record, const ContainerIds& ids) {
  record.variant = ids.variant;
  record.userns = ids.mode;
  if (ids.mode.empty()) return;
  record.uid_map = ranges_text(ids.map.uids);
  record.gid_map = ranges_text(ids.map.gids);
}

rootless::IdMap recorded_map(const storage::ContainerRecord& record) {
  return {.uids = parse_ranges(record.uid_map), .gids = parse_ranges(record.gid_map)};
}

rootless::IdMap id_map_of(const Engine& engine, const storage::ContainerRecord& record, const runtime::Spec& spec) {
  const rootless::HostFacts& host = engine.host;
  if (spec.linux.namespaces.empty()) return host.id_map;  // a chroot: engine/chroot_mode.hpp
  rootless::IdMap map{.uids = ranges_of(spec.linux.uid_mappings), .gids = ranges_of(spec.linux.gid_mappings)};
  map.single = rootless::is_single(map, host.uid, host.gid);
  if (rootless::lies_within(map, host.id_map)) return map;
  throw make_error(ErrorKind::in_use, "container ", quoted(record.name), " was made under another id map (",
                   record.variant, ", now ", rootless::variant_of(host.id_map), ")")
      .with_hint("the ranges in /etc/subuid or /etc/subgid changed; restore them, or create the container again");
}

std::uint32_t intermediate_uid(const Engine& engine, const rootless::IdMap& map, std::uint32_t uid) {
  return intermediate_id(map.uids, engine.host.id_map.uids, uid);
}

std::uint32_t intermediate_gid(const Engine& engine, const rootless::IdMap& map, std::uint32_t gid) {
  return intermediate_id(map.gids, engine.host.id_map.gids, gid);
}

}  // namespace engine
