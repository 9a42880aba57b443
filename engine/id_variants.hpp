#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/image_for_run.hpp"
#include "storage/owner_translation.hpp"

namespace engine {

/// The layers of one image, for the containers of one id map.
struct LayersForIds {
  std::vector<base::Digest> chains;
  std::string variant;
  rootless::IdMap map;
};
bool has_all(Engine& engine, const LayersForIds& layers);

/// Makes every layer of the image present for the ids of the container: found again, or made from the variant that has
/// most owners in common, with progress. Gives up image.hold meanwhile, and takes it again; the caller's default
/// variant is there (find_or_pull). @throws Error not_found, when the image was removed meanwhile; unsupported, when
/// it has files of ids that the container has not.
void ensure_id_variants(Engine& engine, ImageForRun& image, const ContainerIds& ids);

/// The same where a recorded container keeps the image's layers, or somebody who may come too late: layers that are
/// removed meanwhile are not there afterwards. @throws Error as above.
void ensure_id_variants(Engine& engine, const LayersForIds& layers);

/// How owners of the caller's default variant become those that containers of this map see, in the ids of the
/// namespace that _inside works in.
storage::OwnerTranslation translation_from_default(Engine& engine, const rootless::IdMap& map);

/// A map as text of two halves, as it is noted beside a variant.
std::string map_as_text(const rootless::IdMap& map);
/// Without ranges, where the text has none.
rootless::IdMap parse_map_text(const std::string& text);

/// For `pull`: where every container has a map of its own by default (containers.conf "userns", PODMAN_USERNS), the
/// layers for it are made at once, so that no first start waits for them. Maps by --userns auto are not known before.
void prepare_default_variants(Engine& engine, const std::string& image_id);

/// `_inside make-variants …`: the child's half of it. `tell` sends how many bytes are done.
void make_id_variants_inside(Engine& engine, const std::vector<std::string>& words,
                             const std::function<void(std::string_view)>& tell);

/// For a repair: makes this layer's variant again, from the caller's default variant; the damaged one is moved away
/// first. None of the containers that use it may run. @throws Error not_found, when there is no default variant.
void remake_id_variant(Engine& engine, const base::Digest& chain, const std::string& variant,
                       const rootless::IdMap& map);

}  // namespace engine
