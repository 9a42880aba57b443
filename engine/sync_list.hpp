#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// Which tags of one repository are wanted.
struct SyncRepository {
  enum class Choice { all_tags, named, regex, semver };
  std::string path;  ///< "library/busybox", as in the file.
  Choice choice = Choice::all_tags;
  std::vector<std::string> names;  ///< Tags and digests.
  std::string pattern;             ///< Regular expression, or constraint of versions.
};

/// One registry of the list.
struct SyncRegistry {
  std::string host;
  std::vector<SyncRepository> repositories;
  std::string user, password;
  std::optional<bool> tls_verify;
  std::string cert_dir;
};

/// Pure. The file of `sync --src yaml`; its format is that of skopeo. Keys that it does not have are refused.
/// @throws Error invalid_argument as "FILE:LINE: problem". Source: skopeo-sync(1) "YAML file content".
std::vector<SyncRegistry> parse_sync_list(std::string_view text, const std::string& file);

/// Pure. Of `tags` those that the repository's choice takes, in their order; for Choice::named the names themselves.
/// @throws Error invalid_argument, for a bad pattern.
std::vector<std::string> chosen_tags(const SyncRepository& repository, const std::vector<std::string>& tags);

}  // namespace engine
