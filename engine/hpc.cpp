#include "engine/hpc.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/mount_words.hpp"

namespace engine {
namespace {

using base::concat;

/// Where the user wants something mounted.
std::vector<std::string> wanted_destinations(const RunOptions& options, const std::string& work_dir) {
  std::vector<std::string> places;
  for (const std::string& word : options.volumes) places.push_back(parse_volume_word(word, work_dir).destination);
  for (const std::string& word : options.mounts) places.push_back(parse_mount_word(word, work_dir).destination);
  for (const std::string& word : options.tmpfs) places.push_back(parse_tmpfs_word(word).destination);
  return places;
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

/// The same place inside and outside; what lies below another one is there with it.
void bind_places(RunOptions& options, const std::vector<std::string>& places, const std::string& work_dir) {
  const std::vector<std::string> wanted = wanted_destinations(options, work_dir);
  std::vector<std::string> bound;
  for (const std::string& place : places) {
    const bool is_there =
        std::any_of(bound.begin(), bound.end(), [&](const auto& one) { return is_below(place, one); });
    if (place.size() < 2 || is_there || std::find(wanted.begin(), wanted.end(), place) != wanted.end()) continue;
    bound.push_back(place);
    // Not -v, whose words end at a colon.
    if (place.find(',') == std::string::npos)
      options.mounts.push_back(concat("type=bind,source=", place, ",destination=", place));
  }
}

/// The caller keeps its id, and there is no other: nobody has to write a map for us.
void set_ids(RunOptions& options, const rootless::HostFacts& host, bool needs_root) {
  const bool is_chosen = !options.userns.empty() || !options.uid_maps.empty() || !options.gid_maps.empty() ||
                         !options.subuid_name.empty() || !options.subgid_name.empty();
  if (!is_chosen && host.uid != 0) options.userns = host.id_map.single || needs_root ? "keep-id" : "keep-id:size=1";
}

void set_unless_given(std::string& option, const char* value) {
  if (option.empty()) option = value;
}

}  // namespace

void apply_hpc_profile(RunOptions& options, const rootless::HostFacts& host, const std::string& work_dir,
                       bool needs_root) {
  set_ids(options, host, needs_root);
  if (options.user.empty()) {
    options.user = concat(host.uid, ":", host.gid);
    options.env.insert(options.env.begin(), concat("HOME=", host.home));
  }
  bind_places(options, {host.home, "/tmp", work_dir}, work_dir);
  set_unless_given(options.network, "host");
  set_unless_given(options.pid, "host");
  set_unless_given(options.ipc, "host");
  if (options.hostname.empty()) set_unless_given(options.uts, "host");
  set_unless_given(options.cgroups, "disabled");
  set_unless_given(options.work_dir, work_dir.c_str());
  options.env_host = true;
  options.read_only = true;
  options.security_opt.insert(options.security_opt.begin(), "no-new-privileges");
}

}  // namespace engine
