#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/pack_tar.hpp"
#include "storage/pack_tree.hpp"
#include "storage/unpack_bytes.hpp"
#include "storage/unpack_tar.hpp"

namespace {

using storage::tar::EntryType;

/// An archive read back by our own reader; the content of files beside their entries, holes filled.
struct ReadBack {
  storage::tar::Entry entry;
  std::string content;
};

std::vector<ReadBack> read_back(const std::string& archive) {
  storage::UnpackRing ring;
  REQUIRE(archive.size() <= storage::UnpackRing::buffer_bytes);
  std::copy(archive.begin(), archive.end(), ring.wait_for_space());
  ring.commit(archive.size());
  ring.finish();
  storage::LayerBytes bytes(ring);
  storage::tar::Reader reader(bytes, {});
  std::vector<ReadBack> entries;
  storage::tar::Entry entry;
  while (reader.next(entry)) {
    std::string stored;
    for (std::string_view part = reader.data(); !part.empty(); part = reader.data()) stored += part;
    std::string content = stored;
    if (entry.sparse) {
      content.assign(entry.size, '\0');
      std::size_t taken = 0;
      for (const auto& span : entry.spans) {
        content.replace(span.offset, span.size, stored, taken, span.size);
        taken += span.size;
      }
    }
    entries.push_back({entry, content});
  }
  return entries;
}

std::string pack(int root, const storage::PackOptions& options = {}) {
  base::StringSink sink{storage::UnpackRing::buffer_bytes};
  storage::pack_tree(root, sink, options);
  return sink.take();
}

void write_file(int dir, const char* name, std::string_view content, mode_t mode = 0644) {
  const base::UniqueFd fd{::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  REQUIRE(fd);
  base::write_all(fd.get(), content);
  REQUIRE(::fchmod(fd.get(), mode) == 0);
}

const ReadBack& find(const std::vector<ReadBack>& entries, std::string_view path) {
  for (const ReadBack& one : entries)
    if (one.entry.path == path) return one;
  FAIL("no entry ", std::string{path});
  return entries.front();
}

}  // namespace

TEST_CASE("what no plain header can hold is read back as it was written") {
  base::StringSink sink{1 << 20};
  storage::tar::Writer writer{sink};
  storage::tar::PackedEntry entry;
  entry.path = std::string(90, 'd') + "/" + std::string(100, 'n');
  entry.uid = 3'000'000'000;
  entry.gid = 2'097'152;
  entry.mode = 06755;
  entry.size = 3;
  entry.mtime = {-2, 250'000'000};
  entry.xattrs = {{"user.a", std::string{"\0=\n", 3}}};
  writer.add(entry);
  writer.write("abc");
  storage::tar::PackedEntry link;
  link.type = '2';
  link.path = std::string(300, 'x');
  link.link = std::string(4000, 'y');
  writer.add(link);
  writer.finish();
  const auto entries = read_back(sink.take());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].entry.path == entry.path);
  CHECK(entries[0].entry.uid == 3'000'000'000);
  CHECK(entries[0].entry.gid == 2'097'152);
  CHECK(entries[0].entry.mode == 06755);
  CHECK(entries[0].entry.mtime.seconds == -2);
  CHECK(entries[0].entry.mtime.nanoseconds == 250'000'000);
  CHECK(entries[0].entry.xattrs == entry.xattrs);
  CHECK(entries[0].content == "abc");
  CHECK(entries[1].entry.path == link.path);
  CHECK(entries[1].entry.link == link.link);
}

TEST_CASE("every length of path is read back") {
  for (std::size_t length = 1; length < 300; ++length) {
    std::string path;
    while (path.size() < length) path += path.size() % 50 == 49 && path.size() + 1 < length ? '/' : 'p';
    base::StringSink sink{1 << 20};
    storage::tar::Writer writer{sink};
    storage::tar::PackedEntry entry;
    entry.path = path;
    writer.add(entry);
    writer.finish();
    CHECK(read_back(sink.take()).at(0).entry.path == path);
  }
}

TEST_CASE("more or less content than promised is a mistake of ours") {
  base::StringSink sink{1 << 20};
  storage::tar::Writer writer{sink};
  storage::tar::PackedEntry entry;
  entry.path = "file";
  entry.size = 2;
  writer.add(entry);
  CHECK_THROWS_AS(writer.write("abc"), base::Error);
  CHECK_THROWS_AS(writer.finish(), base::Error);
  writer.fill_up();
  writer.finish();
  CHECK(read_back(sink.take()).at(0).content == std::string(2, '\0'));
}

TEST_CASE("a tree is packed with links, holes, attributes and empty things, the same each time") {
  base::TempDir temp;
  const int root = temp.fd();
  REQUIRE(::mkdirat(root, "b", 0750) == 0);
  REQUIRE(::mkdirat(root, "a", 0700) == 0);
  write_file(root, "b/file", "content", 04711);
  REQUIRE(::linkat(root, "b/file", root, "c", 0) == 0);
  REQUIRE(::symlinkat("../outside", root, "a/link") == 0);
  REQUIRE(::mkfifoat(root, "fifo", 0600) == 0);
  write_file(root, ".wh.kept", "");
  {
    const base::UniqueFd holes{::openat(root, "holes", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(::ftruncate(holes.get(), 100'000'000) == 0);
    REQUIRE(::pwrite(holes.get(), "end", 3, 99'999'997) == 3);
  }
  const bool has_xattrs = ::setxattr((temp.path() + "/b").c_str(), "user.x", "y", 1, 0) == 0;
  const std::string archive = pack(root);
  CHECK(archive.size() < 100'000);
  CHECK(pack(root) == archive);
  const auto entries = [&] {
    // 100 MB of zeros are more than read_back is made for.
    REQUIRE(::truncate((temp.path() + "/holes").c_str(), 50'000) == 0);
    return read_back(pack(root));
  }();
  std::vector<std::string> paths;
  for (const ReadBack& one : entries) paths.push_back(one.entry.path);
  CHECK(paths == std::vector<std::string>{"./", ".wh.kept", "a/", "a/link", "b/", "b/file", "c", "fifo", "holes"});
  CHECK(find(entries, "a/link").entry.link == "../outside");
  CHECK(find(entries, "b/file").content == "content");
  CHECK(find(entries, "b/file").entry.mode == 04711);
  CHECK(find(entries, "c").entry.type == EntryType::hard_link);
  CHECK(find(entries, "c").entry.link == "b/file");
  CHECK(find(entries, "fifo").entry.type == EntryType::fifo);
  CHECK(find(entries, "holes").content == std::string(50'000, '\0'));
  if (has_xattrs) CHECK(find(entries, "b/").entry.xattrs.at(0).first == "user.x");
}

TEST_CASE("what is not wanted is left out with all that is in it, and times may be whole seconds") {
  base::TempDir temp;
  REQUIRE(::mkdirat(temp.fd(), "no", 0700) == 0);
  write_file(temp.fd(), "no/file", "x");
  write_file(temp.fd(), "yes", "x");
  const timespec times[2] = {{5, 500}, {5, 500}};
  REQUIRE(::utimensat(temp.fd(), "yes", times, 0) == 0);
  const auto entries =
      read_back(pack(temp.fd(), {.whole_seconds = true,
                                 .is_wanted = [](const std::string& path, const auto&) { return path != "no"; }}));
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].entry.path == "yes");
  CHECK(entries[1].entry.mtime.seconds == 5);
  CHECK(entries[1].entry.mtime.nanoseconds == 0);
}
