#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/health.hpp"
#include "engine/journal.hpp"
#include "engine/log_tag.hpp"
#include "engine/monitor_orders.hpp"
#include "engine/restart_policy.hpp"
#include "engine/watch_words.hpp"

using namespace std::chrono_literals;

namespace engine {
namespace {

Watch watch_of(const RunOptions& options, const std::string& image_check = {}) {
  oci::ImageConfig image;
  image.healthcheck = image_check;
  return make_watch(options, image, Config{});
}

RunOptions with_check(const std::string& command) {
  RunOptions options;
  options.health.command = command;
  return options;
}

HealthLogEntry check(int exit_code) {
  return {"2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", exit_code, ""};
}

}  // namespace

TEST_CASE("a restart policy knows whose end it is for") {
  Watch watch;
  CHECK_FALSE(shall_restart(watch, 1, 0));
  apply_restart_words(watch, "no");
  CHECK_FALSE(shall_restart(watch, 1, 0));
  apply_restart_words(watch, "always");
  CHECK(shall_restart(watch, 0, 1000));
  apply_restart_words(watch, "on-failure");
  CHECK_FALSE(shall_restart(watch, 0, 0));
  CHECK(shall_restart(watch, 1, 1000));
  apply_restart_words(watch, "on-failure:2");
  CHECK(shall_restart(watch, 137, 1));
  CHECK_FALSE(shall_restart(watch, 137, 2));
  for (const char* wrong : {"never", "always:1", "on-failure:", "on-failure:-1", "on-failure:x", ":3"})
    CHECK_THROWS_AS(apply_restart_words(watch, wrong), base::Error);
}

TEST_CASE("who ends at once is waited for longer and longer, and who ran for a while is not") {
  CHECK(next_delay(0ms, 1s) == 100ms);
  CHECK(next_delay(100ms, 9999ms) == 200ms);
  CHECK(next_delay(51'200ms, 0s) == 60'000ms);
  CHECK(next_delay(60'000ms, 0s) == 60'000ms);
  CHECK(next_delay(60'000ms, 10s) == 100ms);
}

TEST_CASE("--health-cmd is understood as podman does") {
  using Words = std::vector<std::string>;
  CHECK(watch_of(with_check("curl -f localhost")).health.test == Words{"CMD-SHELL", "curl -f localhost"});
  CHECK(watch_of(with_check(R"(["ls", "-l"])")).health.test == Words{"CMD", "ls", "-l"});
  CHECK(watch_of(with_check(R"(["ls -l"])")).health.test == Words{"CMD-SHELL", "ls -l"});
  CHECK(watch_of(with_check("CMD ls -l")).health.test == Words{"CMD", "ls", "-l"});
  CHECK(watch_of(with_check("CMD-SHELL ls | wc")).health.test == Words{"CMD-SHELL", "ls | wc"});
  CHECK(watch_of(with_check("none")).health.test == Words{"NONE"});
  CHECK(check_command(watch_of(with_check("ls | wc")).health) == Words{"/bin/sh", "-c", "ls | wc"});
  CHECK(check_command(watch_of(with_check(R"(["ls", "-l"])")).health) == Words{"ls", "-l"});
  CHECK_THROWS_AS(watch_of(with_check("[]")), base::Error);
}

TEST_CASE("the image's check holds where the user says nothing") {
  const std::string of_image = R"({"Test":["CMD","true"],"Interval":5000000000,"Retries":7})";
  const Watch watch = watch_of(RunOptions{}, of_image);
  CHECK(watch.health.test == std::vector<std::string>{"CMD", "true"});
  CHECK(watch.health.interval == 5s);
  CHECK(watch.health.timeout == 30s);
  CHECK(watch.health.retries == 7);
  RunOptions options;
  options.health.interval = "disable";
  CHECK(watch_of(options, of_image).health.interval == 0s);
  options.health.none = true;
  CHECK_FALSE(watch_of(options, of_image).health.is_there());
}

TEST_CASE("so many failures in a row make a container unhealthy, outside of its start period") {
  Watch watch = watch_of(with_check("x"));
  watch.health.retries = 2;
  Health health;
  health.status = "starting";
  apply_check(health, watch, check(1), true);
  CHECK(health.failing_streak == 0);
  apply_check(health, watch, check(1), false);
  CHECK(health.status == "starting");
  apply_check(health, watch, check(1), false);
  CHECK(health.status == "unhealthy");
  apply_check(health, watch, check(0), false);
  CHECK(health.status == "healthy");
  CHECK(health.failing_streak == 0);
  for (int i = 0; i < 9; ++i) apply_check(health, watch, check(0), false);
  CHECK(health.log.size() == 5);
  CHECK(render_health(parse_health(render_health(health), "id")) == render_health(health));
}

TEST_CASE("a startup check passes after so many successes and restarts after so many failures") {
  Watch watch = watch_of(with_check("x"));
  watch.startup_successes = 2;
  watch.startup.retries = 2;
  Health health;
  CHECK_FALSE(apply_startup_check(health, watch, check(0)));
  CHECK_FALSE(health.is_started);
  CHECK_FALSE(apply_startup_check(health, watch, check(1)));
  CHECK_FALSE(apply_startup_check(health, watch, check(0)));
  CHECK_FALSE(health.is_started);
  CHECK_FALSE(apply_startup_check(health, watch, check(0)));
  CHECK(health.is_started);
  health = {};
  CHECK_FALSE(apply_startup_check(health, watch, check(1)));
  CHECK(apply_startup_check(health, watch, check(1)));
}

TEST_CASE("options of the log, and what is wrong with them") {
  RunOptions options;
  options.log_opts = {"max-size=10kb", "max-file=5", "tag=web", "path=/var/log/web"};
  const Watch watch = watch_of(options);
  CHECK(watch.log_max_bytes == 10'240);
  CHECK(watch.log_max_files == 5);
  CHECK(watch.log_tag == "web");
  CHECK(watch.log_path == "/var/log/web");
  CHECK(render_watch(parse_watch(render_watch(watch), "id")) == render_watch(watch));
  for (const char* wrong : {"max-file=1001", "max-file=0", "max-size=x", "path=relative", "other=1", "tag"}) {
    options.log_opts = {wrong};
    CHECK_THROWS_AS(watch_of(options), base::Error);
  }
}

TEST_CASE("a message of the journal, whose bytes may be numbers") {
  const auto line = parse_journal_line(
      R"({"__REALTIME_TIMESTAMP":"1700000000123456","PRIORITY":"3","MESSAGE":[104,105,255],"CONTAINER_PARTIAL_MESSAGE":"true"})");
  REQUIRE(line);
  CHECK(line->time == "2023-11-14T22:13:20.123456Z");
  CHECK(line->text == "hi\xff");
  CHECK(line->is_stderr);
  CHECK(line->is_partial);
  CHECK_FALSE(parse_journal_line("{}"));
  CHECK_FALSE(parse_journal_line("not json"));
}

TEST_CASE("fields of the journal cannot be forged by a name with a line end") {
  storage::ContainerRecord record;
  record.id = std::string(64, 'a');
  record.name = "web";
  Watch watch;
  watch.log_tag = "x\nPRIORITY=0";
  const std::string fields = journal_fields(record, watch);
  CHECK(fields.find("CONTAINER_NAME=web\nCONTAINER_ID=aaaaaaaaaaaa\nCONTAINER_ID_FULL=") == 0);
  CHECK(fields.find("\nPRIORITY") == std::string::npos);
}

TEST_CASE("the tag of a log is a template of the container") {
  storage::ContainerRecord record;
  record.id = std::string(64, 'a');
  record.name = "web";
  record.image_name = "localhost/box:1";
  CHECK(log_tag("plain", record) == "plain");
  CHECK(log_tag("{{.Name}}-{{.ImageName}}", record) == "web-localhost/box:1");
  CHECK(log_tag("{{slice .ID 0 3}}", record) == "aaa");
  CHECK_THROWS_AS(log_tag("{{.Nonsense}}", record), base::Error);
  Watch watch;
  watch.log_tag = "{{.Name}}/x";
  const std::string fields = journal_fields(record, watch);
  CHECK(fields.find("\nCONTAINER_TAG=web/x\n") != std::string::npos);
  CHECK(fields.find("\nSYSLOG_IDENTIFIER=web/x\n") != std::string::npos);
}

TEST_CASE("update changes what it names and nothing else") {
  Watch watch;
  watch.health.test = {"CMD-SHELL", "true"};
  watch.health.retries = 7;
  watch.restart_policy = "always";
  HealthWords words;
  words.interval = "5s";
  change_watch(watch, std::nullopt, words);
  CHECK(watch.health.interval == std::chrono::seconds{5});
  CHECK(watch.health.retries == 7);
  CHECK(watch.health.test == std::vector<std::string>{"CMD-SHELL", "true"});
  CHECK(watch.restart_policy == "always");
  change_watch(watch, "on-failure:3", {});
  CHECK(watch.restart_policy == "on-failure");
  CHECK(watch.restart_retries == 3);
  HealthWords none;
  none.none = true;
  change_watch(watch, std::nullopt, none);
  CHECK_FALSE(watch.health.is_there());
  CHECK_THROWS_AS(change_watch(watch, "sometimes", {}), base::Error);
}

}  // namespace engine
