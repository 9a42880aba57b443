#include <atomic>
#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include "base/fs.hpp"
#include "base/text.hpp"
#include "tests/unit/runtime/seccomp_questions.hpp"

namespace runtime {

TEST_CASE("a compiled filter is kept in the cache, and one that was tampered with is not used") {
  const base::TempDir folder;
  const std::string json =
      R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG"}]})";
  const SeccompFilter first = compile_seccomp(json, folder.fd());
  const std::vector<std::string> names = base::list_directory(folder.fd(), ".");
  REQUIRE(names.size() == 1);
  struct stat status {};
  REQUIRE(::fstatat(folder.fd(), names[0].c_str(), &status, 0) == 0);
  CHECK((status.st_mode & 07777) == 0400);

  const SeccompFilter again = compile_seccomp(json, folder.fd());
  REQUIRE(again.program.size() == first.program.size());
  CHECK(std::memcmp(again.program.data(), first.program.data(), first.program.size() * sizeof(sock_filter)) == 0);

  std::string bytes = base::read_file(folder.fd(), names[0], 1 << 20);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  base::write_file_atomically(folder.fd(), names[0], bytes, base::Durability::volatile_, 0400);
  CHECK(ask(compile_seccomp(json, folder.fd()).program, "read") == SECCOMP_RET_LOG);
  CHECK(base::read_file(folder.fd(), names[0], 1 << 20) != bytes);  // replaced by a good one
}

TEST_CASE("a cache folder that others may write to is not used") {
  const base::TempDir folder;
  REQUIRE(::fchmod(folder.fd(), 0777) == 0);
  compile_seccomp(R"({"defaultAction":"SCMP_ACT_ALLOW"})", folder.fd());
  CHECK(base::list_directory(folder.fd(), ".").empty());
}

TEST_CASE("no flipped bit of a cached filter goes unnoticed") {
  const base::TempDir folder;
  const std::string json =
      R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL"}]})";
  const SeccompFilter good = compile_seccomp(json, folder.fd());
  const std::string name = base::list_directory(folder.fd(), ".").at(0);
  const std::string bytes = base::read_file(folder.fd(), name, 1 << 20);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    base::write_file_atomically(folder.fd(), name, damaged, base::Durability::volatile_, 0400);
    // The one bit that is nobody's is the line end after the digest.
    const SeccompFilter filter = compile_seccomp(json, folder.fd());
    CHECK(filter.flags == good.flags);
    REQUIRE(filter.program.size() == good.program.size());
    CHECK(std::memcmp(filter.program.data(), good.program.data(), good.program.size() * sizeof(sock_filter)) == 0);
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    base::write_file_atomically(folder.fd(), name, bytes.substr(0, size), base::Durability::volatile_, 0400);
    CHECK(ask(compile_seccomp(json, folder.fd()).program, "read") == SECCOMP_RET_KILL_THREAD);
  }
}

TEST_CASE("the cache keeps a bounded number of filters, the newest") {
  const base::TempDir folder;
  const auto profile = [](int number) {
    return base::concat(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":)", number, "}");
  };
  for (int number = 0; number < 150; ++number) compile_seccomp(profile(number), folder.fd());
  const std::vector<std::string> kept = base::list_directory(folder.fd(), ".");
  CHECK(kept.size() == 64);
  compile_seccomp(profile(149), folder.fd());
  CHECK(base::list_directory(folder.fd(), ".").size() == 64);  // it was there
}

TEST_CASE("writers and readers of one cache do not disturb each other") {
  const base::TempDir folder;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        const int code = 1 + round % 100;  // more than are kept
        const SeccompFilter filter = compile_seccomp(
            base::concat(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":)", code, "}"), folder.fd());
        const auto answer = run_filter(filter.program, call_data(native_architecture().audit, 0, {}));
        if (answer != (SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(code))) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a filter from the cache knows its agent") {
  const base::TempDir folder;
  const std::string json =
      R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/agent","listenerMetadata":"m","flags":)"
      R"(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]})";
  for (const char* when : {"compiled", "cached"}) {
    CAPTURE(when);
    const SeccompFilter filter = compile_seccomp(json, folder.fd());
    CHECK(filter.listener_path == "/run/agent");
    CHECK(filter.listener_metadata == "m");
    CHECK(filter.flags == (SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV));
    CHECK(ask(filter.program, "mkdir") == SECCOMP_RET_USER_NOTIF);
  }
}

}  // namespace runtime
