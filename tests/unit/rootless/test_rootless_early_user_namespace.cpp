#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "rootless/early_user_namespace.hpp"

namespace {

/// Does what newuidmap would, for the one id that everybody may map.
constexpr std::string_view maps_own_id =
    "#!/bin/sh\n"
    "if test \"$0\" = newgidmap || test \"${0##*/}\" = gid; then\n"
    "  echo deny >\"/proc/$1/setgroups\"; echo \"$2 $3 $4\" >\"/proc/$1/gid_map\"\n"
    "else echo \"$2 $3 $4\" >\"/proc/$1/uid_map\"; fi\n";

class Helpers {
 public:
  explicit Helpers(std::string_view script) {
    for (const char* name : {"uid", "gid"}) {
      const base::UniqueFd file{::openat(folder_.fd(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755)};
      base::write_all(file.get(), script);
      REQUIRE(::fchmod(file.get(), 0755) == 0);
    }
    host.newuidmap = folder_.path() + "/uid";
    host.newgidmap = folder_.path() + "/gid";
    host.id_map = {.uids = {{0, ::geteuid(), 1}}, .gids = {{0, ::getegid(), 1}}};
    host.writes_maps = false;
  }
  rootless::HostFacts host;

 private:
  base::TempDir folder_;
};

base::Error error_of(rootless::EarlyUserNamespace& early) {
  try {
    early.await_ids();
  } catch (const base::Error& error) {
    return error;
  }
  FAIL("no error");
  return {base::ErrorKind::internal, ""};
}

}  // namespace

TEST_CASE("a user namespace is made in advance, and its ids are mapped") {
  const Helpers helpers{maps_own_id};
  auto early = rootless::EarlyUserNamespace::begin(helpers.host);
  REQUIRE(early);
  const int fd = early->await_namespace();
  REQUIRE(fd >= 0);
  early->await_ids();
  char text[64] = {};
  REQUIRE(::readlink(base::concat("/proc/self/fd/", fd).c_str(), text, sizeof text - 1) > 0);
  char own[64] = {};
  REQUIRE(::readlink("/proc/self/ns/user", own, sizeof own - 1) > 0);
  CHECK(std::string{text}.starts_with("user:["));
  CHECK(std::string{text} != own);
}

TEST_CASE("what a helper says is the error, with its hint") {
  const Helpers helpers{"#!/bin/sh\necho \"newuidmap: uid range [1-2) -> [3-4) not allowed\" >&2\nexit 1\n"};
  auto early = rootless::EarlyUserNamespace::begin(helpers.host);
  REQUIRE(early);
  REQUIRE(early->await_namespace() >= 0);
  const base::Error error = error_of(*early);
  CHECK(error.kind() == base::ErrorKind::permission);
  CHECK(error.message() == "writing the id map: newuidmap: uid range [1-2) -> [3-4) not allowed (exit code 1)");
  CHECK(error.hint().find("getsubids") != std::string::npos);
}

TEST_CASE("where no helpers write the map, nothing is made in advance") {
  Helpers helpers{maps_own_id};
  SUBCASE("a single id") {
    helpers.host.id_map.single = true;
  }
  SUBCASE("root") {
    helpers.host.writes_maps = true;
  }
  SUBCASE("no helpers") {
    helpers.host.newgidmap.clear();
  }
  CHECK_FALSE(rootless::EarlyUserNamespace::begin(helpers.host));
}

TEST_CASE("given up at any moment, none of its processes stays") {
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);  // they would become ours
  const Helpers helpers{maps_own_id};
  for (int round = 0; round < 60; ++round) {
    const auto early = rootless::EarlyUserNamespace::begin(helpers.host);
    REQUIRE(early);
    ::usleep(static_cast<useconds_t>(round * 20));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (::waitpid(-1, nullptr, WNOHANG) >= 0) REQUIRE(std::chrono::steady_clock::now() < deadline);
  CHECK(errno == ECHILD);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}
