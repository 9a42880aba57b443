#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/oci/reference.hpp"

namespace registry {

enum class ShortNameMode { permissive, enforcing, disabled };
enum class PullFromMirror { all, digest_only, tag_only };

struct Mirror {
  std::string location;
  bool insecure = false;
  PullFromMirror pull_from = PullFromMirror::all;
};

/// One [[registry]] table.
struct RegistryEntry {
  std::string prefix;    ///< "host", "host/path", "host/path:tag" or "*.host"; the location when the file gives none.
  std::string location;  ///< Empty only for a "*." prefix: the name stays as it is.
  bool insecure = false;
  bool blocked = false;
  bool mirror_by_digest_only = false;
  std::vector<Mirror> mirrors;
};

/// What stands for the auth files in the list of credential helpers.
inline constexpr std::string_view auth_files_helper = "containers-auth.json";

/// registries.conf, version 2, with its drop-ins. Source: containers-registries.conf(5).
struct RegistriesConf {
  std::optional<std::vector<std::string>> unqualified_search;  ///< Nothing: no file says.
  ShortNameMode short_name_mode = ShortNameMode::permissive;
  std::vector<std::pair<std::string, std::string>> aliases;  ///< An empty value takes an alias back.
  std::vector<RegistryEntry> registries;
  /// Where logins are kept, in this order: names of helpers, and auth_files_helper for the auth files.
  std::vector<std::string> credential_helpers{std::string{auth_files_helper}};
};

/// Adds what one file says: a later table with the same prefix, a later alias, list or mode replaces the earlier.
/// Unknown keys are skipped. @throws Error invalid_argument as "FILE:LINE: problem".
void merge_registries_conf(RegistriesConf& conf, std::string_view text, const std::string& file);
/// The files in this order; those that do not exist are skipped.
RegistriesConf load_registries_conf(const std::vector<std::string>& files);

/// The entry with the longest matching prefix, or null. A prefix ends at the name's end or before '/', ':' or '@'.
const RegistryEntry* find_registry(const RegistriesConf& conf, const oci::Reference& reference);

/// A place to pull an image from.
struct PullPlace {
  oci::Reference reference;
  bool insecure = false;
  bool is_mirror = false;
};
/// Mirrors in order, the registry itself last. @throws Error permission, when the registry is blocked.
std::vector<PullPlace> pull_places(const RegistriesConf& conf, const oci::Reference& reference);

}  // namespace registry
