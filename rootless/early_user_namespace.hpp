#pragma once

#include <optional>
#include <utility>

#include "base/channel.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// A new user namespace with the caller's usual map, which a process of ours makes and has mapped while the container
/// that will live in it is still being prepared: newuidmap and newgidmap take two milliseconds, a quarter of a start.
class EarlyUserNamespace {
 public:
  /// Nothing where no helpers write the map, or something is in the way. Single-threaded callers only.
  static std::optional<EarlyUserNamespace> begin(const HostFacts& host);

  const IdMap& map() const { return map_; }

  // For the caller or a fork of it, which then is the only one that calls them:

  /// Waits for the namespace, which can be joined (setns(2)), but has no ids yet. -1: none can be made so, and the
  /// usual way tells why.
  int await_namespace();
  /// Waits for the ids. @throws Error as write_id_maps
  void await_ids() const;

 private:
  EarlyUserNamespace(IdMap map, base::Channel channel, base::Child maker)
      : map_(std::move(map)), channel_(std::move(channel)), maker_(std::move(maker)) {}

  IdMap map_;
  base::Channel channel_;
  base::Child maker_;
  base::UniqueFd namespace_;
};

}  // namespace rootless
