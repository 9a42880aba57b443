#include "engine/context.hpp"

#include <array>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "engine/program_loader.hpp"
#include "rootless/id_map.hpp"

namespace engine {
namespace {

// Computed by meson from the installation folders.
constexpr const char* libexec_from_bin = ENGINE_LIBEXEC_FROM_BIN;
constexpr const char* bin_from_libexec = ENGINE_BIN_FROM_LIBEXEC;
#ifdef ENGINE_DEVELOPMENT
constexpr bool looks_beside_itself = true;
#else
constexpr bool looks_beside_itself = false;
#endif

std::string running_executable() {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  if (size <= 0) throw base::os_error("reading \"/proc/self/exe\"");
  std::string path{buffer.data(), static_cast<std::size_t>(size)};
  // An upgrade replaced the file while we run; its successor lies at the same place.
  constexpr std::string_view deleted = " (deleted)";
  if (path.ends_with(deleted)) path.resize(path.size() - deleted.size());
  return path;
}

/// False when it is absent. @throws Error permission, when somebody else could have changed it.
bool is_trusted_program(const std::string& path) {
  const base::UniqueFd fd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!fd && errno != ENOENT && errno != ENOTDIR) throw base::os_error("opening ", base::quoted(path));
  if (!fd) return false;
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) throw base::os_error("looking at ", base::quoted(path));
  if (!S_ISREG(facts.st_mode)) return false;
  // In a user namespace without the host's root its files have no owner that we know, but the same as our own.
  struct stat self {};
  const bool is_our_kind = ::stat("/proc/self/exe", &self) == 0 && facts.st_uid == self.st_uid;
  const bool is_ours = facts.st_uid == 0 || facts.st_uid == ::geteuid() || is_our_kind;
  if (is_ours && (facts.st_mode & 0022) == 0) return true;
  throw base::Error{base::ErrorKind::permission,
                    base::concat(base::quoted(path), " is not run: others than root and you may change it"),
                    "chown and chmod go-w it, or reinstall"};
}

std::vector<std::string> candidates(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path{running_executable()}.parent_path();
  std::vector<std::string> paths;
  if (looks_beside_itself) paths.push_back((folder / name).string());
  const char* relative = name == "engine" ? bin_from_libexec : libexec_from_bin;
  paths.push_back((folder / relative / name).lexically_normal().string());
  return paths;
}

/// `engine` may have been installed under another name.
bool is_running_one(const std::string& name) {
  const bool is_transfer = std::filesystem::path{running_executable()}.filename() == "engine-transfer";
  return is_transfer == (name == "engine-transfer");
}

}  // namespace

const storage::Store& Engine::store() {
  if (!store_)
    store_.emplace(storage::Store::open({.root = config.root,
                                         .run = config.run,
                                         .shared = config.shared_stores,
                                         .image_store = config.image_store,
                                         .container_store = config.container_store}));
  return *store_;
}

const std::string& Engine::variant() {
  if (variant_.empty()) variant_ = rootless::variant_of(host.id_map);
  return variant_;
}

std::string path_of_own_program(const std::string& name) {
  if (is_running_one(name)) return running_executable();
  const std::vector<std::string> paths = candidates(name);
  for (const std::string& path : paths) {
    if (!is_trusted_program(path)) continue;
    if (const auto library = missing_library(path))
      throw base::Error{
          base::ErrorKind::unsupported,
          base::concat("this command needs ", name, ", which needs ", base::quoted(*library)),
          base::concat("install what has it, or build ", name, " for this distribution and put it in place of ", path)};
    return path;
  }
  throw base::Error{base::ErrorKind::unsupported, base::concat("this command needs ", name),
                    base::concat("install it as ", paths.back())};
}

std::string own_program(const std::string& name) {
  return is_running_one(name) ? "/proc/self/exe" : path_of_own_program(name);
}

std::vector<std::string> same_store_options(const Engine& engine) {
  std::vector<std::string> words{"--root", engine.config.root, "--runroot", engine.config.run};
  if (!engine.config.storage_driver.empty())
    words.insert(words.end(), {"--storage-driver", engine.config.storage_driver});
  if (!engine.config.image_store.empty()) words.push_back("--imagestore=" + engine.config.image_store);
  if (!engine.config.container_store.empty())
    words.push_back("--storage-opt=additionalimagestore=" + engine.config.container_store);
  for (const std::string& path : engine.config.shared_stores)
    words.push_back(base::concat("--storage-opt=additionalimagestore=", path));
  return words;
}

std::vector<std::string> same_settings_options(const Engine& engine) {
  std::vector<std::string> words = same_store_options(engine);
  if (engine.config.events_logger == "none") words.emplace_back("--events-backend=none");
  const std::string& manager = engine.config.cgroup_manager;  // another word is refused where a container is made only
  if (manager == "systemd" || manager == "cgroupfs") words.push_back("--cgroup-manager=" + manager);
  for (const std::string& module : engine.config.modules) words.push_back("--module=" + module);
  if (!engine.config.login_dir.empty()) words.push_back("--config=" + engine.config.login_dir);
  return words;
}

std::vector<std::string> same_build_options(const Engine& engine) {
  std::vector<std::string> words = same_settings_options(engine);
  if (!engine.config.build.empty()) words.insert(words.begin(), "--build=" + engine.config.build);
  return words;
}

}  // namespace engine
