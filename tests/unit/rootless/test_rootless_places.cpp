#include <cstdlib>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.hpp"
#include "rootless/places.hpp"

namespace {

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

}  // namespace

TEST_CASE("only a directory of ours that nobody else can enter counts as private") {
  const base::TempDir folder;
  CHECK(rootless::is_own_directory(folder.path(), ::geteuid(), true));
  CHECK_FALSE(rootless::is_own_directory(folder.path(), ::geteuid() + 1, true));
  CHECK_FALSE(rootless::is_own_directory(folder.path() + "/absent", ::geteuid(), true));
  REQUIRE(::symlink(folder.path().c_str(), (folder.path() + "/link").c_str()) == 0);
  CHECK_FALSE(rootless::is_own_directory(folder.path() + "/link", ::geteuid(), true));
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK_FALSE(rootless::is_own_directory(folder.path(), ::geteuid(), true));
  CHECK(rootless::is_own_directory(folder.path(), ::geteuid(), false));
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  CHECK_FALSE(rootless::is_own_directory(folder.path(), ::geteuid(), false));
  REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
}

TEST_CASE("the XDG folders are used when absolute, else the usual ones below home") {
  const base::TempDir runtime;
  // Any uid but 0 will do; the run folder must belong to it, so the test uses its own.
  if (::geteuid() == 0) return;
  const ScopedVariable run{"XDG_RUNTIME_DIR", runtime.path()};
  {
    const ScopedVariable data{"XDG_DATA_HOME", "/somewhere/data"};
    const ScopedVariable config{"XDG_CONFIG_HOME", "relative"};
    const rootless::Places places = rootless::find_places(::geteuid(), "/home/joe");
    CHECK(places.data == "/somewhere/data");
    CHECK(places.config == "/home/joe/.config");
    CHECK(places.cache == "/home/joe/.cache");
    CHECK(places.run == runtime.path());
  }
  CHECK(rootless::find_places(::geteuid(), "/home/joe").data == "/home/joe/.local/share");
}

TEST_CASE("a runtime folder that others can enter is not used") {
  if (::geteuid() == 0) return;
  const base::TempDir runtime;
  REQUIRE(::chmod(runtime.path().c_str(), 0755) == 0);
  const ScopedVariable run{"XDG_RUNTIME_DIR", runtime.path()};
  const std::string found = rootless::find_places(::geteuid(), "/home/joe").run;
  CHECK(found != runtime.path());
  CHECK(rootless::is_own_directory(found, ::geteuid(), true));
}

TEST_CASE("root has the system's places") {
  const ScopedVariable data{"XDG_DATA_HOME", "/somewhere/data"};
  if (::geteuid() != 0) return;
  const rootless::Places places = rootless::find_places(0, "/root");
  CHECK(places.data == "/var/lib");
  CHECK(places.cache == "/var/cache");
  CHECK(places.config == "/root/.config");
}
