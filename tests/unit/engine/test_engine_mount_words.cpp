#include <algorithm>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/mount_words.hpp"

using engine::MountWord;
using engine::parse_mount_word;
using engine::parse_tmpfs_word;
using engine::parse_volume_word;

namespace {
bool has(const MountWord& mount, const char* option) {
  return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}
}  // namespace

TEST_CASE("-v with a path is a bind mount with podman's defaults") {
  const MountWord mount = parse_volume_word("/data:/srv/data:ro", "/work");
  CHECK(mount.kind == MountWord::Kind::bind);
  CHECK(mount.source == "/data");
  CHECK(mount.destination == "/srv/data");
  for (const char* option : {"ro", "nosuid", "nodev", "rbind", "rprivate"}) CHECK(has(mount, option));
}

TEST_CASE("-v with a relative path is below the current directory; with a name it is a volume") {
  CHECK(parse_volume_word("./x:/x", "/work").source == "/work/./x");
  CHECK(parse_volume_word("data:/x", "/work").kind == MountWord::Kind::volume);
  CHECK(parse_volume_word("data:/x", "/work").source == "data");
  CHECK(parse_volume_word("/x", "/work").kind == MountWord::Kind::volume);
  CHECK(parse_volume_word("/x", "/work").source.empty());
  CHECK_FALSE(parse_volume_word("data:/x:nocopy", "/work").copy_up);
}

TEST_CASE("destinations are cleaned lexically and cannot be the root") {
  CHECK(parse_volume_word("/a:/b//c/../d/.", "/").destination == "/b/d");
  CHECK(parse_volume_word("/a:/../../etc", "/").destination == "/etc");
  for (const char* bad : {"/a:/", "/a:relative", "/a:/..", ":/x", "/a:/b:frobnicate", "/a:/b:ro:x", "relative"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_volume_word(bad, "/"), base::Error);
  }
}

TEST_CASE("--mount knows bind, volume and tmpfs in all spellings") {
  const MountWord bind = parse_mount_word("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave", "/");
  CHECK(bind.kind == MountWord::Kind::bind);
  CHECK(bind.source == "/a");
  CHECK(has(bind, "ro"));
  CHECK(has(bind, "rslave"));
  CHECK_FALSE(has(bind, "rprivate"));
  const MountWord volume = parse_mount_word("src=data,dst=/b,rw", "/");
  CHECK(volume.kind == MountWord::Kind::volume);
  CHECK(volume.source == "data");
  const MountWord tmpfs = parse_mount_word("type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=700", "/");
  CHECK(tmpfs.kind == MountWord::Kind::tmpfs);
  CHECK(has(tmpfs, "size=1m"));
  CHECK(has(tmpfs, "mode=700"));
}

TEST_CASE("what --mount forbids is refused in one line") {
  for (const char* bad :
       {"type=bind,src=/a", "type=nfs,src=/a,dst=/b", "type=bind,dst=/b", "type=bind,src=/a,dst=/b,frob",
        "type=bind,src=/a,dst=/b,bind-propagation=foo", "type=tmpfs,dst=/b,wrong=1", "dst=b"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_mount_word(bad, "/"), base::Error);
  }
}

TEST_CASE("--tmpfs takes options after the path") {
  const MountWord mount = parse_tmpfs_word("/t:size=10m,exec,mode=1777");
  CHECK(mount.destination == "/t");
  for (const char* option : {"size=10m", "exec", "mode=1777", "nosuid", "nodev"}) CHECK(has(mount, option));
  CHECK_FALSE(has(mount, "noexec"));
}

TEST_CASE("option idmap, with and without a mapping of its own") {
  CHECK_FALSE(parse_volume_word("/a:/b", "/").id_map);
  CHECK(parse_volume_word("/a:/b:ro,idmap", "/").id_map->uids.ranges.empty());
  const MountWord mount = parse_volume_word("/a:/b:idmap=uids=0-1000-1#1-100000-10;gids=@5-0-2", "/");
  REQUIRE(mount.id_map->uids.ranges.size() == 2);
  const rootless::IdMap container{.uids = {{0, 1000, 1}, {1, 100000, 5}}, .gids = {{0, 1000, 1}, {1, 200000, 5}}};
  runtime::Mount spec;
  engine::apply_id_map(*mount.id_map, container, spec);
  CHECK(spec.options == std::vector<std::string>{"idmap"});
  CHECK(spec.uid_mappings.at(1).container_id == 1);
  CHECK(spec.uid_mappings.at(1).host_id == 100000);
  CHECK(spec.uid_mappings.at(1).size == 10);
  REQUIRE(spec.gid_mappings.size() == 2);  // 5 is shown as the container's 0, 6 as its 1
  CHECK(spec.gid_mappings.at(0).host_id == 1000);
  CHECK(spec.gid_mappings.at(1).host_id == 200000);
}

TEST_CASE("an idmap that makes no sense is refused") {
  for (const char* bad : {"/a:/b:idmap=", "/a:/b:idmap=uids=0-0-1", "/a:/b:idmap=uids=0-0;gids=0-0-1",
                          "/a:/b:idmap=uids=0-0-0;gids=0-0-1", "/a:/b:idmap=uids=x-0-1;gids=0-0-1", "/a:/b:idmap,O"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_volume_word(bad, "/"), base::Error);
  }
  runtime::Mount spec;
  CHECK_THROWS_AS(engine::apply_id_map(engine::parse_mount_id_map("idmap=uids=@0-9-1;gids=@0-0-1"),
                                       {.uids = {{0, 1, 1}}, .gids = {{0, 1, 1}}}, spec),
                  base::Error);
}
