#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rootless/id_map.hpp"

namespace rootless {

// Two steps lead from a container to the host, as with podman: container ids to intermediate ids, which is what users
// write, and these to ids of the host, which is the caller's default map: intermediate 0 is the caller, from 1 on come
// the subordinate ids. For root both are the same. Source: podman-run(1) "--uidmap".

/// --userns, --uidmap, --gidmap, --subuidname and --subgidname as the user wrote them.
struct UsernsWords {
  std::string userns;
  std::vector<std::string> uid_maps;
  std::vector<std::string> gid_maps;
  std::string subuid_name;
  std::string subgid_name;
};

/// What these words ask for.
struct UsernsRequest {
  enum class Mode {
    host,       ///< The caller's default map.
    keep_id,    ///< The caller keeps uid and gid.
    nomap,      ///< Subordinate ids only.
    automatic,  ///< A range that no other such container has.
    mapped,     ///< As --uidmap and --gidmap say.
    named,      ///< The ranges of a name in /etc/subuid and /etc/subgid.
  };
  Mode mode = Mode::host;
  std::optional<std::uint32_t> uid = {}, gid = {};  ///< keep_id: other numbers than the caller's.
  std::optional<std::uint32_t> size = {};           ///< keep_id, automatic: ids in all.
  std::vector<IdRange> uids = {}, gids = {};        ///< mapped, automatic: to intermediate ids.
  bool operator==(const UsernsRequest&) const = default;
};

/// Pure. @param caller  The default map, for words that begin with "+" or name a host's id by "@".
/// @throws Error invalid_argument; unsupported, for modes that join another namespace.
/// Source: podman-run(1), --userns and --uidmap (flags: podman 4.7).
UsernsRequest parse_userns(const UsernsWords& words, const IdMap& caller);

/// Who asks.
struct CallerIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  const IdMap& map;                ///< The default map.
  bool is_root = false;            ///< May write any map.
  std::string single_reason = {};  ///< Why map.single, and what helps.
  std::string single_hint = {};
};

/// Pure. The map for every mode but automatic and named; sorted, neighbours joined, so that equal maps are equal.
/// @throws Error invalid_argument, unsupported: ids that the caller has not.
IdMap container_id_map(const UsernsRequest& request, const CallerIds& caller);

/// Pure. A map of request.size ids: what the request fixes, and for the rest the first range of intermediate ids from 1
/// on that none of `taken` (ids of the host) touches. @throws Error unsupported, when no such range is left.
IdMap automatic_id_map(const UsernsRequest& request, const CallerIds& caller, const std::vector<IdMap>& taken);

/// Pure. Container ids from 0 on are these ranges of the host. @throws Error unsupported, when some are not the
/// caller's.
IdMap named_id_map(const std::vector<SubidRange>& uids, const std::vector<SubidRange>& gids, const CallerIds& caller);

/// Whether all of the host's ids in `map` are ids of `caller`.
bool lies_within(const IdMap& map, const IdMap& caller);

/// Only the caller's own id: what is then on disk belongs to the caller, whoever owns it in the image.
bool is_single(const IdMap& map, std::uint32_t uid, std::uint32_t gid);

}  // namespace rootless
