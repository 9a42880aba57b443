#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "storage/owners.hpp"

using namespace storage;

namespace {

base::UniqueFd file_with(const base::TempDir& temp, std::string_view text) {
  base::write_file_atomically(temp.fd(), "owners", text, base::Durability::volatile_);
  return std::move(*base::try_open_file(temp.fd(), "owners"));
}

std::vector<OwnerRecord> read_all(int fd) {
  OwnersReader reader(fd);
  std::vector<OwnerRecord> records;
  while (auto record = reader.next()) records.push_back(std::move(*record));
  return records;
}

}  // namespace

TEST_CASE("records come back as they were written, whatever bytes the paths have") {
  std::vector<OwnerRecord> records{
      {.type = OwnerRecord::Type::directory, .path = ".", .mode = 0755},
      {.type = OwnerRecord::Type::file,
       .path = "a b%\n\x7f\xff",
       .mode = 04755,
       .uid = 4294967294U,
       .gid = 42,
       .size_bytes = 1ULL << 40,
       .mtime_seconds = -5,
       .mtime_nanoseconds = 7,
       .sha256_hex = std::string(64, 'a'),
       .capabilities_hex = "0100",
       .link = {}},
      {.type = OwnerRecord::Type::symlink, .path = "l", .mode = 0777, .link = " "},
      {.type = OwnerRecord::Type::whiteout, .path = "w"},
  };
  for (int i = 0; i < 3000; ++i)
    records.push_back({.type = OwnerRecord::Type::fifo, .path = base::concat("p", i, std::string(100, 'x'))});
  const base::TempDir temp;
  const base::UniqueFd fd{::openat(temp.fd(), "owners", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  OwnersWriter writer(fd.get());
  for (const OwnerRecord& record : records) writer.add(record);
  writer.finish();
  const base::UniqueFd again = std::move(*base::try_open_file(temp.fd(), "owners"));
  CHECK(read_all(again.get()) == records);
}

TEST_CASE("the format is the one that other versions read") {
  const base::TempDir temp;
  const base::UniqueFd fd{::openat(temp.fd(), "owners", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  OwnersWriter writer(fd.get());
  writer.add({.type = OwnerRecord::Type::file,
              .path = "with space",
              .mode = 0644,
              .uid = 1,
              .gid = 2,
              .size_bytes = 3,
              .mtime_seconds = 4,
              .mtime_nanoseconds = 5,
              .sha256_hex = "ab"});
  writer.add({.type = OwnerRecord::Type::symlink, .path = "l", .mode = 0777, .link = "to"});
  writer.finish();
  CHECK(base::read_file(temp.fd(), "owners", 1000) ==
        "engine-owners 1\n"
        "f 644 1 2 3 4.000000005 ab - with%20space\n"
        "l 777 0 0 0 0.000000000 - - l to\n"
        "end 2\n");
}

TEST_CASE("a manifest that is not whole or not understood is refused") {
  const base::TempDir temp;
  const char* good = "f 644 0 0 0 0.000000000 - - a\n";
  for (const std::string& text :
       {std::string{}, std::string{"something else\n"}, std::string{"engine-owners 2\n"},
        base::concat("engine-owners 1\n", good), base::concat("engine-owners 1\n", good, "end 2\n"),
        base::concat("engine-owners 1\n", good, "end 1"), base::concat("engine-owners 1\n", "z 644\nend 1\n"),
        std::string{"engine-owners 1\nf 999 0 0 0 0.0 - - a\nend 1\n"},
        std::string{"engine-owners 1\nf 644 0 0 0 0.0 - - a%2\nend 1\n"},
        std::string{"engine-owners 1\nf 644 0 0 0 0.0 - - a%zz\nend 1\n"},
        std::string{"engine-owners 1\nf 644 -1 0 0 0.0 - - a\nend 1\n"},
        "engine-owners 1\n" + std::string(1 << 20, 'x')}) {
    CAPTURE(text.substr(0, 100));
    const base::UniqueFd fd = file_with(temp, text);
    CHECK_THROWS_AS(read_all(fd.get()), base::Error);
  }
}
