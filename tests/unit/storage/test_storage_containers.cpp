#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/containers.hpp"
#include "storage/layout.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/trash.hpp"
#include "temp_store.hpp"

using storage::ContainerDir;
using storage::ContainerRecord;
using storage::test::id_of;
using storage::test::TempStore;

namespace {

ContainerRecord record_of(const std::string& id, const std::string& name) {
  ContainerRecord record;
  record.id = id;
  record.name = name;
  record.created = "2026-01-01T00:00:00Z";
  record.driver = "overlay";
  record.variant = "single";
  return record;
}

ContainerDir create(const storage::Store& store, const std::string& id, const std::string& name) {
  ContainerDir container = storage::create_container(store, store.hold_garbage(), record_of(id, name), "{}", false).dir;
  storage::finish_container(container);
  return container;
}

std::string id_found(const storage::Store& store, std::string_view text) {
  const auto container = storage::find_container(store, text);
  return container ? container->id : "";
}

bool is_reserved(const storage::Store& store, const std::string& name) {
  return base::exists(store.root(), storage::layout::container_name(name));
}

void leave_reservation(const storage::Store& store, const std::string& name, const std::string& id) {
  storage::test::write_file(store.root(), storage::layout::container_name(name),
                            R"({"version":1,"id":")" + id + R"("})");
}

}  // namespace

TEST_CASE("a container's record is read back as it was written") {
  TempStore store;
  ContainerRecord record = record_of(id_of('a'), "web");
  record.image_name = "docker.io/library/busybox:latest";
  record.image_id = std::string(64, 'b');
  record.manifest = storage::test::digest_of("m").text();
  record.chain_ids = {storage::test::digest_of("c").text()};
  record.command = {"sh", "-c", "printf '\xff\n'"};
  record.labels = {{"b", "2"}, {"a", "\"1\""}};
  record.anonymous_volumes = {"v1"};
  record.named_volumes = {"v2"};
  record.network = "none";
  record.hostname = "h";
  record.auto_remove = record.only_for_run = record.tty = record.open_stdin = record.privileged = record.init =
      record.read_only = true;
  record.stop_signal = 9;
  record.stop_timeout_seconds = 3;
  record.create_command = R"(["engine","run"])";
  record.entrypoint_words = 1;
  record.security_opt = {"no-new-privileges"};
  record.dns_option = {"ndots:1", ""};
  record.cidfile = "/id";
  const auto made =
      storage::create_container(*store, store->hold_garbage(), record, R"({"ociVersion":"1.0"})", true).dir;
  const ContainerRecord read = storage::read_record(*storage::find_container(*store, "web"));
  CHECK(read.id == record.id);
  CHECK(read.name == "web");
  CHECK(read.created == record.created);
  CHECK(read.image_name == record.image_name);
  CHECK(read.image_id == record.image_id);
  CHECK(read.manifest == record.manifest);
  CHECK(read.chain_ids == record.chain_ids);
  CHECK(read.command == record.command);
  CHECK(read.labels == record.labels);
  CHECK(read.anonymous_volumes == record.anonymous_volumes);
  CHECK(read.named_volumes == record.named_volumes);
  CHECK(read.network == "none");
  CHECK(read.hostname == "h");
  CHECK((read.auto_remove && read.only_for_run && read.tty && read.open_stdin && read.privileged && read.init &&
         read.read_only));
  CHECK(read.stop_signal == 9);
  CHECK(read.stop_timeout_seconds == 3);
  CHECK(read.detach_keys == "ctrl-p,ctrl-q");
  CHECK(read.create_command == record.create_command);
  CHECK(read.entrypoint_words == 1);
  CHECK(read.security_opt == record.security_opt);
  CHECK(read.dns_option == record.dns_option);
  CHECK(read.dns.empty());
  CHECK(read.cidfile == "/id");
  CHECK(base::read_file(made.dir.get(), "config.json", 100) == R"({"ociVersion":"1.0"})");
}

TEST_CASE("a new container is created, and its state is replaced whole") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  CHECK(storage::read_state(container).status == "created");
  storage::ContainerState state;
  state.status = "exited";
  state.process.pid = 12;
  state.process.start_time = 18446744073709551615u;
  state.boot_id = "boot";
  state.monitor_pid = 13;
  state.started = "s";
  state.finished = "f";
  state.exit_code = 137;
  state.oom_killed = true;
  state.error = "e";
  storage::write_state(container, storage::lock_container(container), state);
  const storage::ContainerState read = storage::read_state(container);
  CHECK(read.status == "exited");
  CHECK(read.process.pid == 12);
  CHECK(read.process.start_time == 18446744073709551615u);
  CHECK(read.boot_id == "boot");
  CHECK(read.monitor_pid == 13);
  CHECK(read.started == "s");
  CHECK(read.finished == "f");
  CHECK(read.exit_code == 137);
  CHECK(read.oom_killed);
  CHECK(read.error == "e");
}

TEST_CASE("a state that power loss left empty is that of an exited container") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  storage::test::write_file(container.dir.get(), "state", "");
  CHECK(storage::read_state(container).status == "exited");
}

TEST_CASE("a state that is missing or damaged is taken from what was noted in the lock file at the start") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  storage::ContainerState state;
  state.status = "running";
  state.process.pid = 12;
  state.process.start_time = 34;
  state.boot_id = "boot";
  {
    const auto alive = storage::try_lock_alive(container);
    storage::note_start(*alive, state);
  }
  const auto is_as_noted = [&] {
    const storage::ContainerState read = storage::read_state(container);
    return read.status == "running" && read.process.pid == 12 && read.process.start_time == 34 &&
           read.boot_id == "boot";
  };
  CHECK(is_as_noted());
  for (const char* damage : {"", "{", "null", "\xff", R"({"version":1})", R"({"version":99,"status":"exited"})"}) {
    CAPTURE(damage);
    storage::test::write_file(container.dir.get(), "state", damage);
    CHECK(is_as_noted());
  }
  { const auto again = storage::try_lock_alive(container); }  // names its holder there, and touches nothing else
  CHECK(is_as_noted());
  storage::forget_start(*storage::try_lock_alive(container));
  CHECK_THROWS_AS(storage::read_state(container), base::Error);  // a newer engine's, and nothing else is known
  storage::test::write_file(container.dir.get(), "state", "{");
  CHECK(storage::read_state(container).status == "exited");
}

TEST_CASE("a container is monitored from its birth on, until its maker lets go of it") {
  TempStore store;
  const auto hold = store->hold_garbage();
  auto born = std::optional{storage::create_container(*store, hold, record_of(id_of('a'), "web"), "{}", false)};
  const ContainerDir container = *storage::find_container(*store, "web");
  CHECK(storage::is_monitored(container));
  born.reset();
  CHECK_FALSE(storage::is_monitored(container));
}

TEST_CASE("a container is unfinished until its maker says otherwise, unless it is only for one command") {
  TempStore store;
  const ContainerDir container =
      storage::create_container(*store, store->hold_garbage(), record_of(id_of('a'), "web"), "{}", false).dir;
  CHECK(storage::read_state(container).is_unfinished);
  CHECK(storage::read_state(container).status == "created");
  storage::finish_container(container);
  CHECK_FALSE(storage::read_state(container).is_unfinished);
  storage::ContainerRecord record = record_of(id_of('b'), "job");
  record.auto_remove = record.only_for_run = true;
  const auto born = storage::create_container(*store, store->hold_garbage(), record, "{}", false);
  CHECK_FALSE(storage::read_state(born.dir).is_unfinished);
}

TEST_CASE("a record that a newer engine wrote is refused") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  base::write_file_atomically(container.dir.get(), "record", R"({"version":2})");
  CHECK_THROWS_WITH_AS(storage::read_record(container), doctest::Contains("has version 2"), base::Error);
}

TEST_CASE("a container is found by id, name, and unique prefix, and a name wins over a prefix") {
  TempStore store;
  create(*store, "ab" + std::string(62, '0'), "web");
  create(*store, "ac" + std::string(62, '0'), "ab");
  create(*store, "ffe" + std::string(61, '0'), "");
  CHECK(id_found(*store, "ab" + std::string(62, '0')) == "ab" + std::string(62, '0'));
  CHECK(id_found(*store, "web") == "ab" + std::string(62, '0'));
  CHECK(id_found(*store, "ab") == "ac" + std::string(62, '0'));
  CHECK(id_found(*store, "ab0") == "ab" + std::string(62, '0'));
  CHECK(id_found(*store, "f") == "ffe" + std::string(61, '0'));
  for (const char* absent : {"", "we", "abc", "../web", "W", "web/"}) {
    CAPTURE(absent);
    CHECK(id_found(*store, absent).empty());
  }
  CHECK(id_found(*store, id_of('0')).empty());
  CHECK_THROWS_WITH_AS(storage::find_container(*store, "a"), doctest::Contains("more than one container"), base::Error);
}

TEST_CASE("a taken name is refused with the holder's id, and nothing is left of the attempt") {
  TempStore store;
  create(*store, id_of('a'), "web");
  CHECK_THROWS_WITH_AS(create(*store, id_of('b'), "web"), doctest::Contains(id_of('a').c_str()), base::Error);
  CHECK(base::list_directory(store->root(), "containers") == std::vector{id_of('a')});
  CHECK(id_found(*store, "web") == id_of('a'));
  CHECK_THROWS_AS(create(*store, id_of('b'), "no/slash"), base::Error);
}

TEST_CASE("a taken id is refused and the new name is given back") {
  TempStore store;
  create(*store, id_of('a'), "web");
  CHECK_THROWS_AS(create(*store, id_of('a'), "other"), base::Error);
  CHECK_FALSE(is_reserved(*store, "other"));
  CHECK(id_found(*store, "web") == id_of('a'));
}

TEST_CASE("a name whose container is gone is free again") {
  TempStore store;
  leave_reservation(*store, "web", id_of('d'));
  CHECK(id_found(*store, "web").empty());
  CHECK_FALSE(is_reserved(*store, "web"));
  leave_reservation(*store, "web", id_of('d'));
  create(*store, id_of('a'), "web");
  CHECK(id_found(*store, "web") == id_of('a'));
  storage::test::write_file(store->root(), "names/damaged", "");
  create(*store, id_of('b'), "damaged");
  CHECK(id_found(*store, "damaged") == id_of('b'));
}

TEST_CASE("a long name whose container is gone is swept away like any other") {
  TempStore store;
  const std::string name(230, 'n');
  leave_reservation(*store, name, id_of('d'));
  create(*store, id_of('a'), "web");
  CHECK(storage::list_container_ids(*store) == std::vector{id_of('a')});
  CHECK_FALSE(is_reserved(*store, name));
}

TEST_CASE("a name in a newer engine's record is left alone") {
  TempStore store;
  storage::test::write_file(store->root(), "names/web", R"({"version": 2, "id": ")" + id_of('d') + R"("})");
  CHECK_THROWS_AS(create(*store, id_of('a'), "web"), base::Error);
  CHECK(storage::list_container_ids(*store).empty());
  CHECK(is_reserved(*store, "web"));
}

TEST_CASE("the name of a container that is being made is not free") {
  TempStore store;
  const base::UniqueFd unborn = base::make_directory(store->root(), "containers/.new-" + id_of('d'));
  leave_reservation(*store, "web", id_of('d'));
  {
    const auto lock = base::FileLock::acquire(unborn.get(), "lock", base::FileLock::Mode::exclusive);
    CHECK_THROWS_AS(create(*store, id_of('a'), "web"), base::Error);
    const auto hold = store->hold_garbage();
    CHECK(storage::list_containers(*store).empty());
    CHECK(base::exists(unborn.get(), "lock"));
  }
  create(*store, id_of('a'), "web");
  CHECK(id_found(*store, "web") == id_of('a'));
}

TEST_CASE("what a killed process left of a container is removed when containers are listed") {
  TempStore store;
  base::make_directories(store->root(), "containers/.new-" + id_of('d') + "/upper");
  create(*store, id_of('a'), "web");
  CHECK(storage::list_container_ids(*store) == std::vector{id_of('a')});
  CHECK(base::list_directory(store->root(), "containers") == std::vector{id_of('a')});
}

TEST_CASE("a removed container is gone with its name, also for those who hold it open") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  base::make_directories(container.dir.get(), "upper/etc");
  const ContainerDir other = *storage::find_container(*store, "web");
  storage::remove_container(*store, container, storage::lock_container(container));
  CHECK(storage::list_containers(*store).empty());
  CHECK_FALSE(is_reserved(*store, "web"));
  CHECK(base::list_directory(store->root(), "trash").empty());
  CHECK_THROWS_WITH_AS(static_cast<void>(storage::lock_container(other)), doctest::Contains("was removed"),
                       base::Error);
  CHECK_THROWS_WITH_AS(storage::read_record(other), doctest::Contains("was removed"), base::Error);
}

TEST_CASE("no lock of a container is to be had that is in the trash, although its files are still there") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  storage::move_to_trash(*store, storage::layout::container(container.id));
  REQUIRE(base::exists(container.dir.get(), "record"));
  CHECK_THROWS_WITH_AS(static_cast<void>(storage::try_lock_alive(container)), doctest::Contains("was removed"),
                       base::Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(storage::lock_container(container)), doctest::Contains("was removed"),
                       base::Error);
  base::unlink_file(container.dir.get(), "config.json");
  CHECK_THROWS_WITH_AS(storage::read_config_json(container, 100), doctest::Contains("was removed"), base::Error);
}

TEST_CASE("a --rm container whose record power loss took is as good as removed, another one's is damaged") {
  for (const bool durable : {false, true}) {
    TempStore store;
    ContainerRecord record = record_of(id_of('a'), "web");
    record.auto_remove = !durable;
    auto born = storage::create_container(*store, store->hold_garbage(), record, "{}", durable);
    CHECK_FALSE(storage::is_lost(born.dir));
    for (const std::string_view left : {std::string_view{}, std::string_view{"\0\0\0", 3}}) {
      const base::UniqueFd file{::openat(born.dir.dir.get(), "record", O_WRONLY | O_TRUNC | O_CLOEXEC)};
      base::write_all(file.get(), left);
      CHECK(storage::is_lost(born.dir) != durable);
      if (durable)
        CHECK_THROWS_AS(storage::find_reachable(*store), base::Error);
      else
        CHECK_NOTHROW(storage::find_reachable(*store));
    }
  }
}

TEST_CASE("a container with a damaged record can be removed") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  base::write_file_atomically(container.dir.get(), "record", "{");
  storage::remove_container(*store, container, storage::lock_container(container));
  create(*store, id_of('b'), "web");
  CHECK(id_found(*store, "web") == id_of('b'));
}

TEST_CASE("a container is monitored as long as somebody holds alive") {
  TempStore store;
  const ContainerDir container = create(*store, id_of('a'), "web");
  CHECK_FALSE(storage::is_monitored(container));
  auto alive = storage::try_lock_alive(container);
  REQUIRE(alive.has_value());
  CHECK(storage::is_monitored(container));
  CHECK_FALSE(storage::try_lock_alive(container).has_value());
  alive.reset();
  CHECK_FALSE(storage::is_monitored(container));
}

TEST_CASE("of many processes that want one name exactly one gets it") {
  TempStore store;
  constexpr int processes = 8;
  std::vector<pid_t> children;
  for (int number = 0; number < processes; ++number) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      int won = 0;
      for (int round = 0; round < 10; ++round) {
        const std::string id = base::random_hex(32);
        try {
          create(*store, id, "round-" + std::to_string(round));
          ++won;
        } catch (const base::Error& error) {
          if (error.kind() != base::ErrorKind::already_exists) ::_exit(99);
        }
      }
      ::_exit(won);
    }
    children.push_back(pid);
  }
  int winners = 0;
  for (const pid_t pid : children) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) != 99);
    winners += WEXITSTATUS(status);
  }
  CHECK(winners == 10);
  CHECK(storage::list_containers(*store).size() == 10);
  CHECK(base::list_directory(store->root(), "containers").size() == 10);
  CHECK(base::list_directory(store->root(), "names").size() == 10);
}
