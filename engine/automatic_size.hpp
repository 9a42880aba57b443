#pragma once

#include <cstdint>
#include <vector>

#include "base/digest.hpp"
#include "engine/context.hpp"

namespace engine {

/// How many ids a container of this image needs: as many as its files' owners and the users and groups that it knows,
/// "nobody" and "nogroup" apart; 1024 at least. Source: podman-run(1) --userns auto.
std::uint32_t automatic_size(Engine& engine, const std::vector<base::Digest>& chain_ids);

/// Pure. The highest id in the text of a passwd or group file, whose third field it is.
std::uint32_t highest_known_id(std::string_view passwd_or_group);

}  // namespace engine
