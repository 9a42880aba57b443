#include <algorithm>
#include <doctest/doctest.h>
#include <linux/mount.h>

#include "base/error.hpp"
#include "runtime/mount_options.hpp"

namespace {

constexpr std::uint64_t ms_private = 1u << 18, ms_slave = 1u << 19, ms_shared = 1u << 20;

}  // namespace

TEST_CASE("each option word means what mount(8) says") {
  struct Row {
    std::vector<std::string> options;
    std::uint64_t set, clear, recursive_set, recursive_clear;
  };
  const Row table[] = {
      {{}, 0, 0, 0, 0},
      {{"defaults", "", "silent"}, 0, 0, 0, 0},
      {{"ro"}, MOUNT_ATTR_RDONLY, 0, 0, 0},
      {{"ro", "rw"}, 0, MOUNT_ATTR_RDONLY, 0, 0},
      {{"rw", "ro"}, MOUNT_ATTR_RDONLY, 0, 0, 0},
      {{"nosuid", "nodev", "noexec"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0},
      {{"nosuid", "suid"}, 0, MOUNT_ATTR_NOSUID, 0, 0},
      {{"rro"}, 0, 0, MOUNT_ATTR_RDONLY, 0},
      {{"rro", "rrw"}, 0, 0, 0, MOUNT_ATTR_RDONLY},
      {{"rnoexec", "rnosuid"}, 0, 0, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID, 0},
      {{"noatime"}, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME & ~MOUNT_ATTR_NOATIME, 0, 0},
      {{"nodiratime"}, MOUNT_ATTR_NODIRATIME, 0, 0, 0},
      {{"nosymfollow"}, MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0},
  };
  for (const Row& row : table) {
    CAPTURE(row.options.size());
    const runtime::MountOptions options = runtime::parse_mount_options(row.options);
    CHECK(options.set == row.set);
    CHECK((options.clear & ~MOUNT_ATTR__ATIME) == (row.clear & ~MOUNT_ATTR__ATIME));
    CHECK(options.recursive_set == row.recursive_set);
    CHECK(options.recursive_clear == row.recursive_clear);
    CHECK(options.data.empty());
  }
}

TEST_CASE("an access time mode clears the whole field before it is set") {
  for (const char* word : {"noatime", "relatime", "strictatime", "atime"}) {
    CAPTURE(word);
    CHECK((runtime::parse_mount_options({word}).clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);
  }
  CHECK((runtime::parse_mount_options({"noatime", "strictatime"}).set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME);
}

TEST_CASE("propagation words are told apart from attributes") {
  struct Row {
    const char* word;
    std::uint64_t propagation;
    bool recursive;
  };
  for (const Row& row : {Row{"private", ms_private, false}, Row{"rprivate", ms_private, true},
                         Row{"rslave", ms_slave, true}, Row{"shared", ms_shared, false}}) {
    const runtime::MountOptions options = runtime::parse_mount_options({row.word});
    CHECK(options.propagation == row.propagation);
    CHECK(options.recursive_propagation == row.recursive);
  }
  CHECK_FALSE(runtime::parse_propagation("rather"));
}

TEST_CASE("what is no general option goes to the file system") {
  const runtime::MountOptions options =
      runtime::parse_mount_options({"rbind", "size=64k", "mode=755", "newinstance", "sync", "lowerdir=/a=b"});
  CHECK(options.bind);
  CHECK(options.recursive_bind);
  REQUIRE(options.data.size() == 5);
  CHECK(options.data[0] == std::pair<std::string, std::optional<std::string>>{"size", "64k"});
  CHECK_FALSE(options.data[2].second);
  CHECK(options.data[3].first == "sync");
  CHECK(options.data[4].second == "/a=b");
}

TEST_CASE("words of ours and of crun are told apart from those of file systems") {
  const runtime::MountOptions options = runtime::parse_mount_options(
      {"remount", "tmpcopyup", "src-nofollow", "dest-nofollow", "copy-symlink", "idmap", "iversion", "mand"});
  CHECK(options.remount);
  CHECK(options.copy_up);
  CHECK(options.source_nofollow);
  CHECK(options.destination_nofollow);
  CHECK(options.copy_symlink);
  CHECK(options.id_map == runtime::IdMap::single);
  CHECK(options.advisory == std::vector<std::string>{"iversion"});
  REQUIRE(options.data.size() == 1);
  CHECK(options.data[0].first == "mand");
  CHECK(runtime::parse_mount_options({"ridmap"}).id_map == runtime::IdMap::recursive);
  CHECK_THROWS_AS(runtime::parse_mount_options({"=5"}), base::Error);
}

TEST_CASE("every option of the runtime-spec's table has a name here") {
  const std::vector<std::string> names = runtime::mount_option_names();
  for (const char* option : {"async",          "atime",      "bind",         "defaults",    "dev",
                             "diratime",       "dirsync",    "exec",         "iversion",    "lazytime",
                             "loud",           "mand",       "noatime",      "nodev",       "nodiratime",
                             "noexec",         "noiversion", "nolazytime",   "nomand",      "norelatime",
                             "nostrictatime",  "nosuid",     "nosymfollow",  "private",     "ratime",
                             "rbind",          "rdev",       "rdiratime",    "relatime",    "remount",
                             "rexec",          "rnoatime",   "rnodiratime",  "rnoexec",     "rnorelatime",
                             "rnostrictatime", "rnosuid",    "rnosymfollow", "ro",          "rprivate",
                             "rrelatime",      "rro",        "rrw",          "rshared",     "rslave",
                             "rstrictatime",   "rsuid",      "rsymfollow",   "runbindable", "rw",
                             "shared",         "silent",     "slave",        "strictatime", "suid",
                             "symfollow",      "sync",       "tmpcopyup",    "unbindable",  "idmap",
                             "ridmap"}) {
    CAPTURE(option);
    CHECK(std::binary_search(names.begin(), names.end(), option));
  }
}
