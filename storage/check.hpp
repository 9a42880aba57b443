#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "storage/store.hpp"

// What is wrong with a store. Looking takes no lock and changes nothing; what other commands do meanwhile is no
// finding.

namespace storage {

enum class Severity {
  damage,    ///< Something does not work, or will not.
  leftover,  ///< Only takes space: what killed processes left, or nobody uses.
  note,      ///< Worth knowing.
};

/// What a repair does about a finding.
enum class Cure {
  none,
  sweep,                ///< Goes with all leftovers: trash, stale staging, unborn containers, stale names, garbage.
  discard,              ///< `path` goes to the trash.
  make_folder,          ///< `path`
  close_folder,         ///< `path` gets our mode.
  rebuild_layer,        ///< `object` is a chain id.
  fetch_blob,           ///< `object` is a compressed layer.
  restore_image,        ///< `object` is a manifest: its record, and what it needs.
  write_state,          ///< `object` is a container.
  link_name,            ///< `object` is a container.
  write_volume_record,  ///< `object` is a volume.
  remove_container,     ///< `object` is a container; only when the user said so.
};

struct Finding {
  Severity severity;
  std::string_view kind;  ///< For scripts: "layer-damaged".
  std::string object;     ///< A digest, id or name.
  std::string message;    ///< One line: what is found and what it means.
  std::string remedy;     ///< One line: what helps; empty for notes.
  Cure cure = Cure::none;
  /// False when it could not be looked at (damage.hpp): then only --force repairs what gives something up.
  bool is_certain = true;
  std::string path{};                     ///< In the store; where a cure needs it.
  std::string variant{};                  ///< Of a layer.
  std::vector<base::Digest> manifests{};  ///< Images that tell where a layer or blob comes from.
};

enum class CheckDepth {
  quick,   ///< Whether everything that is needed is there.
  normal,  ///< And small records, manifests and configs are sound, and sizes right.
  deep,    ///< And every compressed layer has its digest. Trees of layers: check_layer.hpp.
};

struct CheckRequest {
  CheckDepth depth = CheckDepth::normal;
  std::string variant;  ///< The caller's own id variant.
  /// What compare_layer found, as text, by chain id and variant.
  std::map<base::Digest, std::map<std::string, std::string>> damaged_trees{};
  /// Told of each blob that is about to be hashed.
  std::function<void(const base::Digest&, std::uint64_t size_bytes)> on_blob = nullptr;
};

std::vector<Finding> check_store(const Store& store, const CheckRequest& request);

/// As shell words that a user can type.
inline constexpr std::string_view repair_command = "engine system check --repair";

}  // namespace storage
