#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "registry/tar_index.hpp"
#include "registry/tar_writer.hpp"

using registry::TarWriter;

namespace {

base::UniqueFd new_file(const base::TempDir& dir, int flags = 0) {
  return base::UniqueFd{::openat(dir.fd(), "x.tar", O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600)};
}

std::string content(const base::TempDir& dir, const std::string& name) {
  const auto index = registry::TarIndex::read(
      std::make_shared<const base::UniqueFd>(::openat(dir.fd(), "x.tar", O_RDONLY | O_CLOEXEC)), "x.tar");
  const auto range = index.find(name);
  return range ? registry::read_range(*range, 100'000, name) : "absent";
}

}  // namespace

TEST_CASE("members, links and members whose size is only known at their end are found again") {
  const base::TempDir dir;
  const base::UniqueFd fd = new_file(dir);
  TarWriter tar(fd.get());
  REQUIRE(tar.can_go_back());
  tar.add_file("a", "one");
  tar.begin_unnamed_file();
  tar.write(std::string(600, 'x'));
  tar.write("y");
  tar.end_unnamed_file("big");
  tar.begin_unnamed_file();
  tar.write("to be forgotten");
  tar.discard_unnamed_file();
  tar.add_link("folder/link", "../big");
  tar.begin_file("c", 5);
  tar.write("th");
  tar.write("ree");
  tar.end_file();
  tar.finish();
  CHECK(content(dir, "a") == "one");
  CHECK(content(dir, "big") == std::string(600, 'x') + "y");
  CHECK(content(dir, "folder/link") == content(dir, "big"));
  CHECK(content(dir, "c") == "three");
}

TEST_CASE("a member that is not as long as it was promised is an error") {
  const base::TempDir dir;
  const base::UniqueFd fd = new_file(dir);
  TarWriter tar(fd.get());
  tar.begin_file("a", 5);
  tar.write("four");
  CHECK_THROWS_AS(tar.end_file(), base::Error);
}

TEST_CASE("headers cannot be added later to a pipe, nor to a file that is only appended to") {
  const base::TempDir dir;
  const base::UniqueFd appended = new_file(dir, O_APPEND);
  CHECK_FALSE(TarWriter(appended.get()).can_go_back());
  const base::Pipe pipe = base::make_pipe();
  CHECK_FALSE(TarWriter(pipe.write_end.get()).can_go_back());
}

TEST_CASE("a tar behind other bytes begins where the file stood") {
  const base::TempDir dir;
  const base::UniqueFd fd = new_file(dir);
  base::write_all(fd.get(), std::string(100, '-'));
  TarWriter tar(fd.get());
  tar.begin_unnamed_file();
  tar.write("one");
  tar.end_unnamed_file("a");
  tar.finish();
  const std::string bytes = base::read_file(dir.fd(), "x.tar", 100'000);
  CHECK(bytes.substr(0, 101) == std::string(100, '-') + "a");
}
