#include "engine/devices.hpp"

#include <algorithm>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

std::vector<std::string> usual_cdi_folders() {
  return {"/etc/cdi", "/run/cdi", "/var/run/cdi"};
}

bool is_access(std::string_view text) {
  return !text.empty() && text.find_first_not_of("rwm") == std::string_view::npos;
}

runtime::Mount device_mount(std::string destination, std::string source) {
  return {std::move(destination), "bind", std::move(source), {"bind", "rprivate", "nosuid", "noexec"}};
}

void add_folder(const std::string& source, const std::string& destination, std::vector<runtime::Mount>& mounts) {
  for (const std::string& name : base::list_directory(AT_FDCWD, source)) {
    const std::string path = concat(source, "/", name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) add_folder(path, concat(destination, "/", name), mounts);
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))
      mounts.push_back(device_mount(concat(destination, "/", name), path));
  }
}

}  // namespace

std::vector<runtime::Mount> device_mounts(const std::string& word) {
  constexpr std::string_view form = "PATH[:TARGET][:rwm], or VENDOR/CLASS=NAME for what a CDI file says";
  const std::vector<std::string_view> fields = base::split(word, ':');
  const std::string source{fields[0]};
  const bool has_target = fields.size() > 1 && fields[1].starts_with('/');
  const std::size_t words_before_access = has_target ? 2 : 1;
  const auto wrong = [&](std::string_view what) {
    return make_error(ErrorKind::invalid_argument, "--device ", quoted(word), ": ", what).with_hint(std::string{form});
  };
  if (!source.starts_with('/')) throw wrong(concat(quoted(source), " is not an absolute path"));
  if (fields.size() > words_before_access + 1) throw wrong("has too many parts");
  if (fields.size() > words_before_access && !is_access(fields[words_before_access]))
    throw wrong(concat(quoted(fields[words_before_access]), " is not an access of r, w and m"));
  const std::string destination = has_target ? std::string{fields[1]} : source;
  struct stat info {};
  if (::stat(source.c_str(), &info) != 0) throw base::os_error("device ", quoted(source));
  std::vector<runtime::Mount> mounts;
  if (S_ISDIR(info.st_mode))
    add_folder(source, destination, mounts);
  else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))
    mounts.push_back(device_mount(destination, source));
  if (mounts.empty())
    throw wrong(concat(quoted(source), S_ISDIR(info.st_mode) ? " has no devices" : " is not a device"));
  return mounts;
}

Devices find_devices(const RunOptions& options) {
  Devices devices;
  std::vector<std::string> cdi_words;
  for (const std::string& word : options.devices) {
    if (is_cdi_name(word)) {
      cdi_words.push_back(word);
      continue;
    }
    for (runtime::Mount& mount : device_mounts(word)) devices.mounts.push_back(std::move(mount));
  }
  devices.edits =
      find_cdi_devices(cdi_words, options.cdi_spec_dirs.empty() ? usual_cdi_folders() : options.cdi_spec_dirs);
  for (const CdiEdits::Node& node : devices.edits.nodes)
    for (runtime::Mount& mount : device_mounts(concat(node.host_path, ":", node.path)))
      devices.mounts.push_back(std::move(mount));
  return devices;
}

void apply_cdi_edits(runtime::Spec& spec, const CdiEdits& edits) {
  std::vector<std::string>& env = spec.process.env;
  for (const std::string& word : edits.env) {
    const std::string start = word.substr(0, word.find('=') + 1);
    std::erase_if(env, [&](const std::string& one) { return one.starts_with(start); });
    env.push_back(word);
  }
  spec.mounts.insert(spec.mounts.end(), edits.mounts.begin(), edits.mounts.end());
  std::vector<std::uint32_t>& gids = spec.process.user.additional_gids;
  for (const std::uint32_t gid : edits.additional_gids)
    if (std::find(gids.begin(), gids.end(), gid) == gids.end()) gids.push_back(gid);
  spec.hooks = edits.hooks;
}

}  // namespace engine
