#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "runtime/cgroup_folder.hpp"
#include "runtime/cgroup_folders.hpp"

// Cgroups whose place somebody else had before, or has now. Real ones, where this machine lets us make them.

using runtime::Cgroup;
using runtime::FolderCgroup;
using runtime::Hierarchies;

namespace {

constexpr uid_t ordinary_user = 65534;

/// Those that root may write; a machine without leaves the tests nothing to do.
Hierarchies writable_hierarchies() {
  Hierarchies found = ::geteuid() == 0 ? runtime::find_hierarchies() : Hierarchies{};
  const auto is_closed = [](const runtime::Hierarchy& hierarchy) {
    return ::access(hierarchy.mount_point.c_str(), W_OK) != 0;
  };
  if (found.unified && is_closed(*found.unified)) found.unified.reset();
  std::erase_if(found.legacy, is_closed);
  if (!found.unified && found.legacy.empty()) MESSAGE("skipped: this machine has no cgroups that we may make");
  return found;
}

bool is_nothing(const Hierarchies& hierarchies) {
  return !hierarchies.unified && hierarchies.legacy.empty();
}

std::string fresh_path() {
  return "/engine-unit-" + base::random_hex(6);
}

std::unique_ptr<FolderCgroup> make(const std::string& path, const Hierarchies& hierarchies, bool is_rootless = false) {
  return FolderCgroup::make({.path = path, .scope = "", .is_rootless = is_rootless, .devices = {}}, {}, hierarchies);
}

std::string first_folder(const Cgroup& cgroup) {
  return cgroup.record().unified.empty() ? cgroup.record().legacy.front().second : cgroup.record().unified;
}

base::Child idle_process() {
  return base::spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}, .null_stdin = true});
}

}  // namespace

TEST_CASE("an empty cgroup of an earlier container is made anew; one with processes is not touched") {
  const Hierarchies hierarchies = writable_hierarchies();
  if (is_nothing(hierarchies)) return;
  const std::string path = fresh_path();
  const std::string folder = first_folder(*make(path, hierarchies));
  REQUIRE(::mkdir((folder + "/left").c_str(), 0755) == 0);
  const auto second = make(path, hierarchies);
  auto cleanup = base::on_scope_exit([&] { second->remove(); });
  CHECK_FALSE(base::exists(AT_FDCWD, folder + "/left"));
  CHECK(base::exists(AT_FDCWD, folder));
  base::Child child = idle_process();
  second->add(child.pid());
  try {
    make(path, hierarchies);
    FAIL("two containers in one cgroup");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::in_use);
    CHECK(error.hint() != "");
  }
  CHECK(second->processes().size() == 1);  // nothing was taken from it
  child.send_signal(SIGKILL);
  child.wait();
}

TEST_CASE("the record of an earlier container does not reach the processes of a later one at the same path") {
  const Hierarchies hierarchies = writable_hierarchies();
  if (is_nothing(hierarchies)) return;
  const std::string path = fresh_path();
  const runtime::CgroupRecord earlier = make(path, hierarchies)->record();
  const auto later = make(path, hierarchies);
  auto cleanup = base::on_scope_exit([&] { later->remove(); });
  const auto stale = FolderCgroup::open(earlier);
  CHECK(stale->is_replaced());
  stale->remove();  // also while nobody is in the new one
  CHECK(base::exists(AT_FDCWD, first_folder(*later)));
  base::Child child = idle_process();
  later->add(child.pid());
  CHECK(FolderCgroup::open(earlier)->processes().empty());
  FolderCgroup::open(earlier)->kill_all();
  CHECK(FolderCgroup::open(earlier)->clone_fd() == -1);
  CHECK(Cgroup::open(later->record())->processes() == std::vector<pid_t>{child.pid()});
  CHECK_FALSE(FolderCgroup::open(later->record())->is_replaced());
  child.send_signal(SIGKILL);
  CHECK(child.wait().code == 128 + SIGKILL);
}

TEST_CASE("a cgroup of root with the name of a user's container is neither used nor removed, even with processes") {
  const Hierarchies hierarchies = writable_hierarchies();
  if (is_nothing(hierarchies)) return;
  const std::string path = fresh_path();
  const auto roots = make(path, hierarchies);
  auto cleanup = base::on_scope_exit([&] { roots->remove(); });
  base::Child child = idle_process();
  for (const bool is_populated : {false, true}) {
    CAPTURE(is_populated);
    if (is_populated) roots->add(child.pid());
    REQUIRE(::seteuid(ordinary_user) == 0);
    auto become_root = base::on_scope_exit([] { CHECK(::seteuid(0) == 0); });
    const auto users = make(path, hierarchies, true);
    CHECK(users->record().unified.empty());
    CHECK(users->record().legacy.empty());
    users->add(::getpid());
    runtime::CgroupRecord wrong = roots->record();
    FolderCgroup::open(wrong)->remove();  // no error, when a record does name it
  }
  CHECK(base::exists(AT_FDCWD, first_folder(*roots)));
  child.send_signal(SIGKILL);
  child.wait();
}
