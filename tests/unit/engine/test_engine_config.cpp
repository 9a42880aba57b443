#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/config.hpp"
#include "engine/config_files.hpp"
#include "engine/toml_file.hpp"

using engine::Config;
using engine::ConfigFolders;

namespace {

void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
  std::ofstream{path} << text;
}

ConfigFolders folders_in(const base::TempDir& root, std::uint32_t uid) {
  return {.user = root.path() + "/user", .system = root.path() + "/etc", .vendor = root.path() + "/usr", .uid = uid};
}

/// Paths below `root`, so that they can be compared.
std::vector<std::string> found(const base::TempDir& root, std::uint32_t uid = 1000) {
  std::vector<std::string> files = engine::find_config_files("registries", folders_in(root, uid));
  for (std::string& file : files) file.erase(0, root.path().size() + 1);
  return files;
}

/// Sets a variable for the length of one test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

rootless::HostFacts joe() {
  rootless::HostFacts host;
  host.uid = 1000;
  host.home = "/home/joe";
  host.data_dir = "/home/joe/.local/share";
  host.config_dir = "/home/joe/.config-that-is-not-there";
  host.run_dir = "/run/user/1000";
  return host;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("without any file there is nothing to read") {
  const base::TempDir root;
  CHECK(found(root).empty());
}

TEST_CASE("of the main files only the first in the order user, system, vendor counts") {
  const base::TempDir root;
  put(root.path() + "/usr/registries.conf", "");
  CHECK(found(root) == Names{"usr/registries.conf"});
  put(root.path() + "/etc/registries.conf", "");
  CHECK(found(root) == Names{"etc/registries.conf"});
  put(root.path() + "/user/registries.conf", "");
  CHECK(found(root) == Names{"user/registries.conf"});
}

TEST_CASE("drop-ins of all folders follow, sorted by file name, and a later folder replaces a file of the same name") {
  const base::TempDir root;
  put(root.path() + "/etc/registries.conf", "");
  put(root.path() + "/usr/registries.conf.d/99-x.conf", "");
  put(root.path() + "/usr/registries.conf.d/10-a.conf", "");
  put(root.path() + "/etc/registries.conf.d/10-a.conf", "");
  put(root.path() + "/user/registries.conf.d/33-y.conf", "");
  put(root.path() + "/user/registries.conf.d/notes.txt", "");
  put(root.path() + "/user/registries.conf.d/.hidden.conf", "");
  CHECK(found(root) == Names{"etc/registries.conf", "etc/registries.conf.d/10-a.conf",
                             "user/registries.conf.d/33-y.conf", "usr/registries.conf.d/99-x.conf"});
}

TEST_CASE("drop-ins for root, for others and for one user are told apart") {
  const base::TempDir root;
  put(root.path() + "/etc/registries.rootful.conf.d/1.conf", "");
  put(root.path() + "/etc/registries.rootless.conf.d/2.conf", "");
  put(root.path() + "/etc/registries.rootless.conf.d/1000/3.conf", "");
  CHECK(found(root, 0) == Names{"etc/registries.rootful.conf.d/1.conf"});
  CHECK(found(root, 1000) ==
        Names{"etc/registries.rootless.conf.d/2.conf", "etc/registries.rootless.conf.d/1000/3.conf"});
  CHECK(found(root, 1001) == Names{"etc/registries.rootless.conf.d/2.conf"});
}

TEST_CASE("a link to /dev/null masks a drop-in of an earlier folder") {
  const base::TempDir root;
  put(root.path() + "/usr/registries.conf.d/10-a.conf", "");
  std::filesystem::create_directories(root.path() + "/etc/registries.conf.d");
  std::filesystem::create_symlink("/dev/null", root.path() + "/etc/registries.conf.d/10-a.conf");
  CHECK(found(root).empty());
}

TEST_CASE("the environment names the only file, and an absent one is an error") {
  const base::TempDir root;
  put(root.path() + "/etc/registries.conf", "");
  put(root.path() + "/mine.conf", "");
  put(root.path() + "/last.conf", "");
  const ScopedVariable only{"CONTAINERS_REGISTRIES_CONF", root.path() + "/mine.conf"};
  CHECK(engine::find_config_files_by_environment("registries", folders_in(root, 1000)) ==
        Names{root.path() + "/mine.conf"});
  {
    const ScopedVariable last{"CONTAINERS_REGISTRIES_CONF_OVERRIDE", root.path() + "/last.conf"};
    CHECK(engine::find_config_files_by_environment("registries", folders_in(root, 1000)) ==
          Names{root.path() + "/mine.conf", root.path() + "/last.conf"});
  }
  const ScopedVariable absent{"CONTAINERS_REGISTRIES_CONF", root.path() + "/absent.conf"};
  CHECK_THROWS_WITH_AS(engine::find_config_files_by_environment("registries", folders_in(root, 1000)),
                       doctest::Contains("absent.conf\" does not exist"), base::Error);
}

TEST_CASE("containers.conf sets what we know and nothing else is fatal") {
  Config config;
  engine::apply_containers_conf(config,
                                "[containers]\nnetns = \"host\"\nseccomp_profile = \"/p.json\"\nunknown = 5\n"
                                "env = [\"a\", {append=true}]\n[engine]\nstop_timeout = 3\ndetach_keys = \"ctrl-x\"\n",
                                "x.conf");
  CHECK(config.default_network == "host");
  CHECK(config.seccomp_profile == "/p.json");
  CHECK(config.stop_timeout_seconds == 3);
  CHECK(config.detach_keys == "ctrl-x");
  engine::apply_containers_conf(config, "[engine]\nstop_timeout = 4\n", "y.conf");
  CHECK(config.stop_timeout_seconds == 4);
  CHECK(config.detach_keys == "ctrl-x");
}

TEST_CASE("a text of the wrong type is passed over, a number in quotes and a negative time-out are refused") {
  Config config;
  CHECK_THROWS_WITH_AS(engine::apply_containers_conf(config, "[engine]\nstop_timeout = \"3\"\n", "x.conf"),
                       doctest::Contains("x.conf: engine.stop_timeout is \"3\""), base::Error);
  engine::apply_containers_conf(config, "[engine]\ndetach_keys = 7\n", "x.conf");
  CHECK(config.stop_timeout_seconds == 10);
  CHECK(config.detach_keys == "ctrl-p,ctrl-q");
  CHECK_THROWS_AS(engine::apply_containers_conf(config, "[engine]\nstop_timeout = -1\n", "x.conf"), base::Error);
}

TEST_CASE("a file that is not TOML is named with line and column") {
  Config config;
  CHECK_THROWS_WITH_AS(engine::apply_containers_conf(config, "[engine]\nstop_timeout = = 3\n", "x.conf"),
                       doctest::Contains("x.conf: line 2, column"), base::Error);
}

TEST_CASE("networks of podman have a meaning here, and others are noted") {
  for (const auto& [netns, network] : std::vector<std::pair<std::string, std::string>>{
           {"private", "private"}, {"bridge", "private"}, {"pasta", "private"}, {"none", "none"}, {"host", "host"}}) {
    const auto& shown = netns;
    CAPTURE(shown);
    Config config;
    engine::apply_containers_conf(config, "[containers]\nnetns = \"" + netns + "\"\n", "x.conf");
    CHECK(config.default_network == network);
    CHECK(config.notes.empty());
  }
  Config config;
  engine::apply_containers_conf(config, "[containers]\nnetns = \"ns:/x\"\n", "x.conf");
  CHECK(config.default_network == "private");
  CHECK(config.notes.size() == 1);
}

TEST_CASE("of storage.conf only the driver counts, and its places are noted as ignored") {
  Config config;
  engine::apply_storage_conf(config, "[storage]\ndriver = \"vfs\"\ngraphroot = \"/var/lib/containers\"\n", "s.conf");
  CHECK(config.storage_driver == "copy");
  CHECK(config.root.empty());
  REQUIRE(config.notes.size() == 1);
  CHECK(config.notes.front().find("graphroot") != std::string::npos);
  engine::apply_storage_conf(config, "[storage]\ndriver = \"overlay\"\n", "s.conf");
  CHECK(config.storage_driver.empty());
  engine::apply_storage_conf(config, "[storage]\ndriver = \"btrfs\"\n", "s.conf");
  CHECK(config.storage_driver.empty());
  CHECK(config.notes.size() == 2);
}

TEST_CASE("the command line wins over the environment, and both have the last word on the driver") {
  const ScopedVariable driver{"STORAGE_DRIVER", "vfs"};
  CHECK(engine::load_config({}, joe()).storage_driver == "copy");
  CHECK(engine::load_config({.storage_driver = "overlay"}, joe()).storage_driver == "overlay");
  CHECK_THROWS_AS(engine::load_config({.storage_driver = "btrfs"}, joe()), base::Error);
}

TEST_CASE("the store and the run folder are engine's own, below the XDG folders or where --root says") {
  const Config usual = engine::load_config({}, joe());
  CHECK(usual.root == "/home/joe/.local/share/engine");
  CHECK(usual.run == "/run/user/1000/engine");
  const Config asked = engine::load_config({.root = "relative/../store", .runroot = "/tmp/r"}, joe());
  CHECK(asked.root == std::filesystem::current_path().string() + "/store");
  CHECK(asked.run == "/tmp/r");
}

TEST_CASE("credentials are looked for where podman and docker keep them") {
  CHECK(engine::find_auth_files(joe()) == Names{"/run/user/1000/containers/auth.json",
                                                "/home/joe/.config-that-is-not-there/containers/auth.json",
                                                "/home/joe/.docker/config.json", "/home/joe/.dockercfg"});
  const ScopedVariable docker{"DOCKER_CONFIG", "/d"};
  CHECK(engine::find_auth_files(joe())[2] == "/d/config.json");
  rootless::HostFacts without_session = joe();
  without_session.run_dir = "/tmp/engine-run-1000";
  CHECK(engine::find_auth_files(without_session)[0] == "/run/containers/1000/auth.json");
  const ScopedVariable only{"REGISTRY_AUTH_FILE", "/only.json"};
  CHECK(engine::find_auth_files(joe()) == Names{"/only.json"});
}

TEST_CASE("a word counts only outside of comments") {
  CHECK(engine::mentions("# driver\n  # driver\nother = 1\n", {"driver"}) == false);
  CHECK(engine::mentions("a = 1\n  driver = 2", {"x", "driver"}));
}
