#include <doctest/doctest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/container_processes.hpp"

namespace {

const std::string stat_text =
    "4711 (a ) (b) S 4700 4711 4711 34819 4711 4194560 100 0 0 0 250 50 0 0 20 5 1 0 9000 4096000 25 "
    "18446744073709551615";
const std::string status_text =
    "Name:\ta ) (b\nUmask:\t0022\nPid:\t4711\nPPid:\t4700\nUid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\n"
    "Groups:\t4 24 \nNSpid:\t4711\t7\nNSpgid:\t4711\t7\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\n"
    "CapEff:\t0000000000000020\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nSeccomp:\t2\n";

}  // namespace

TEST_CASE("a process is read from its stat and status, whatever its name is") {
  const auto facts = engine::parse_process_facts(stat_text, status_text);
  REQUIRE(facts);
  CHECK(facts->name == "a ) (b");
  CHECK(facts->host_pid == 4711);
  CHECK(facts->host_parent == 4700);
  CHECK(facts->pid == 7);
  CHECK(facts->group == 7);
  CHECK(facts->state == 'S');
  CHECK(facts->terminal == 34819);
  CHECK(facts->user_ticks == 250);
  CHECK(facts->system_ticks == 50);
  CHECK(facts->nice == 5);
  CHECK(facts->start_ticks == 9000);
  CHECK(facts->virtual_kib == 4000);
  CHECK(facts->resident_kib == 25 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024);
  CHECK(facts->real_uid == 1000);
  CHECK(facts->effective_uid == 1001);
  CHECK(facts->effective_gid == 101);
  CHECK(facts->groups == std::vector<std::uint32_t>{4, 24});
  CHECK(facts->effective == 0x20);
  CHECK(facts->bounding == 0xa80425fb);
  CHECK(facts->seccomp_mode == 2);
}

TEST_CASE("what is no stat gives no process") {
  CHECK_FALSE(engine::parse_process_facts("", status_text));
  CHECK_FALSE(engine::parse_process_facts("4711 (name) S 1 2 3", status_text));
  CHECK_FALSE(engine::parse_process_facts("4711 )name( S 1 2 3", status_text));
  CHECK_FALSE(engine::parse_process_facts(stat_text, "Name:\tx\n"));
}

TEST_CASE("an id of the host has the number that the container's map gives it") {
  const std::string map = "         0       1000          1\n         1     100000      65536\n";
  CHECK(engine::id_inside(map, 1000) == 0);
  CHECK(engine::id_inside(map, 100000) == 1);
  CHECK(engine::id_inside(map, 165535) == 65536);
  CHECK_FALSE(engine::id_inside(map, 165536));
  CHECK_FALSE(engine::id_inside(map, 0));
  CHECK_FALSE(engine::id_inside("", 0));
  CHECK(engine::id_inside("0 0 4294967295\n", 4294967294) == 4294967294);
}

TEST_CASE("this process is among those that descend from it") {
  const auto processes = engine::container_processes(::getpid());
  REQUIRE(processes.size() == 1);
  CHECK(processes.front().host_pid == ::getpid());
  CHECK_FALSE(processes.front().arguments.empty());
}
