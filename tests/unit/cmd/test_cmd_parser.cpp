#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/global_options.hpp"
#include "cmd/options_run.hpp"
#include "cmd/parser.hpp"

namespace {

using base::ErrorKind;
using cmd::OptionTable;

struct Bound {
  cmd::RunWords words;
};

Bound bind_run(const std::vector<std::string>& words) {
  Bound bound;
  cmd::GlobalWords globals;
  OptionTable table;
  OptionTable global_table;
  declare_global_options(global_table, globals);
  declare_run_options(table, bound.words);
  const cmd::Walk walk = walk_words(table, global_table, words, "engine run");
  cmd::bind_options(walk.options);
  cmd::bind_words(table, walk.words, "engine run");
  return bound;
}

std::string message_of(const std::vector<std::string>& words, ErrorKind kind) {
  try {
    bind_run(words);
  } catch (const base::Error& error) {
    CHECK(error.kind() == kind);
    return error.message();
  }
  return "no error";
}

}  // namespace

TEST_CASE("values arrive unchanged where their options point") {
  const engine::RunOptions options = bind_run({"--rm",
                                               "-e",
                                               "A=1",
                                               "-e",
                                               "[a,b]",
                                               "-e",
                                               "{}",
                                               "-e",
                                               "",
                                               "--cap-add",
                                               "a,b",
                                               "--cap-add=c",
                                               "--tls-verify=false",
                                               "--entrypoint=",
                                               "--stop-timeout=5",
                                               "--preserve-fds",
                                               "2",
                                               "--label=x=[1,2]",
                                               "busybox",
                                               "--rm=false"})
                                         .words.options;
  CHECK(options.auto_remove);
  CHECK(options.env == std::vector<std::string>{"A=1", "[a,b]", "{}", ""});
  CHECK(options.cap_add == std::vector<std::string>{"a", "b", "c"});
  CHECK(options.tls_verify == false);
  CHECK(options.entrypoint == "");
  CHECK(options.stop_timeout == 5U);
  CHECK(options.preserve_fds == 2U);
  CHECK(options.labels == std::vector<std::string>{"x=[1,2]"});
  CHECK(options.image == "busybox");
  CHECK(options.arguments == std::vector<std::string>{"--rm=false"});
}

TEST_CASE("what is not given keeps its default") {
  const engine::RunOptions options = bind_run({"busybox"}).words.options;
  CHECK(options.read_only_tmpfs);
  CHECK(options.http_proxy);
  CHECK_FALSE(options.tls_verify.has_value());
  CHECK_FALSE(options.entrypoint.has_value());
  CHECK(options.pull.empty());  // as containers.conf says
}

TEST_CASE("of an option with one value the last wins") {
  CHECK(bind_run({"--name=a", "--name=b", "busybox"}).words.options.name == "b");
  CHECK_FALSE(bind_run({"--rm", "--rm=false", "busybox"}).words.options.auto_remove);
  CHECK(bind_run({"--network=none", "--net=host", "busybox"}).words.options.network == "host");
}

TEST_CASE("values that cannot be meant are refused with option and value") {
  const auto invalid = ErrorKind::invalid_argument;
  CHECK(message_of({"--pull=sometimes", "x"}, invalid) ==
        "--pull: \"sometimes\" is not one of always, missing, never, newer");
  CHECK(message_of({"--stop-timeout=soon", "x"}, invalid) == "--stop-timeout: \"soon\" is not a number from 0 upwards");
  CHECK(message_of({"--stop-timeout=-1", "x"}, invalid) == "--stop-timeout: \"-1\" is not a number from 0 upwards");
  CHECK(message_of({"--stop-timeout=5000000000", "x"}, invalid) ==
        "--stop-timeout: \"5000000000\" is not a number from 0 upwards");
  CHECK(message_of({"--stop-timeout=", "x"}, invalid) == "--stop-timeout: \"\" is not a number from 0 upwards");
  CHECK(message_of({"--rm"}, invalid) == "\"engine run\" needs IMAGE");
}

TEST_CASE("a known option that does not work yet says so, unless it asks for what happens anyway") {
  const auto unsupported = ErrorKind::unsupported;
  CHECK(message_of({"--pod", "some", "x"}, unsupported) == "--pod is not supported yet");
  CHECK(message_of({"--seccomp-policy=image", "x"}, unsupported) == "--seccomp-policy is not supported yet");
  CHECK(message_of({"--seccomp-policy=default", "x"}, unsupported) == "no error");
  OptionTable table;
  table.known("later", 0, cmd::OptionKind::flag, cmd::Treatment::refused);
  bind_options(walk_words(table, table, {"--later=false"}, "engine some").options);
  CHECK_THROWS_WITH_AS(bind_options(walk_words(table, table, {"--later"}, "engine some").options),
                       "--later is not supported yet", base::Error);
  CHECK(message_of({"--disable-content-trust", "--expose=80", "x"}, unsupported) == "no error");
}

TEST_CASE("limits are kept by the names of their options") {
  const auto& limits = bind_run({"-m", "64m", "--cpus=2", "--device-read-bps=/dev/zero:1m", "x"}).words.options.limits;
  CHECK(*limits.find("memory") == "64m");
  CHECK(*limits.find("cpus") == "2");
  CHECK(limits.lists.at("device-read-bps") == std::vector<std::string>{"/dev/zero:1m"});
  CHECK(message_of({"-m", "5q", "x"}, ErrorKind::invalid_argument) == "--memory: \"5q\" is not a size");
}

TEST_CASE("words are handed to the positionals in order, and counted") {
  std::string image;
  std::vector<std::string> names;
  OptionTable table;
  table.word("IMAGE", image, "");
  table.words("NAME", names, 1, "");
  cmd::bind_words(table, {"a", "b", "c"}, "engine tag");
  CHECK(image == "a");
  CHECK(names == std::vector<std::string>{"b", "c"});
  CHECK_THROWS_WITH_AS(cmd::bind_words(table, {"a"}, "engine tag"), "\"engine tag\" needs at least one NAME",
                       base::Error);
  OptionTable none;
  CHECK_THROWS_WITH_AS(cmd::bind_words(none, {"x"}, "engine info"), "\"engine info\" does not take the word \"x\"",
                       base::Error);
}

TEST_CASE("numbers reach targets of every width") {
  int last = 0;
  std::int64_t tail = 0;
  OptionTable table;
  table.number("last", 'n', "COUNT", &last, "");
  table.number("tail", 0, "LINES", &tail, "");
  cmd::bind_options({{table.find("last"), "-3"}, {table.find("tail"), "5000000000"}});
  CHECK(last == -3);
  CHECK(tail == 5000000000);
  CHECK_THROWS_AS(cmd::bind_options({{table.find("last"), "5000000000"}}), base::Error);
}
