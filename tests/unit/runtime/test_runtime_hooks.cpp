#include <csignal>
#include <doctest/doctest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "runtime/hooks.hpp"

namespace {

constexpr std::size_t max_text_bytes = 1 << 20;

runtime::Hook shell(const std::string& script) {
  return {.path = "/bin/sh", .args = {"hook", "-c", script}};
}

std::string problem_of(const std::vector<runtime::Hook>& hooks) {
  try {
    runtime::run_hooks(hooks, "prestart", "{}");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("the state that hooks read has what runtime.md asks for") {
  const runtime::HookContainer container{
      .oci_version = "1.0.2", .id = "c1", .bundle = "/b", .annotations = {{"key", "\"v\""}}};
  const auto json = base::JsonAt::parse(runtime::hook_state(container, 42, "creating"), "state");
  CHECK(json.at("ociVersion").string() == "1.0.2");
  CHECK(json.at("id").string() == "c1");
  CHECK(json.at("status").string() == "creating");
  CHECK(json.at("pid").integer() == 42);
  CHECK(json.at("bundle").string() == "/b");
  CHECK(json.at("annotations").at("key").string() == "\"v\"");
  CHECK_FALSE(base::JsonAt::parse(runtime::hook_state({}, 1, "created"), "state").has("annotations"));
}

TEST_CASE("hooks run in order, with the state on standard input, and with their own environment alone") {
  const base::TempDir folder;
  const std::string out = folder.path() + "/out";
  runtime::Hook second = shell("echo \"$0 $NAME\" >> " + out + "; env | grep -c ^HOME= >> " + out + "; true");
  second.env = {"NAME=value"};
  runtime::run_hooks({shell("cat > " + out), second}, "prestart", "{\"state\":1}\n");
  CHECK(base::read_file(folder.fd(), "out", max_text_bytes) == "{\"state\":1}\nhook value\n0\n");
}

TEST_CASE("a state of a megabyte reaches a hook, and one that does not read it blocks nobody") {
  const base::TempDir folder;
  const std::string state(1 << 20, 'x');
  runtime::run_hooks({shell("true"), shell("wc -c > " + folder.path() + "/size")}, "prestart", state);
  CHECK(base::read_file(folder.fd(), "size", max_text_bytes).starts_with("1048576"));
}

TEST_CASE("a hook that fails is named with its end, and those after it do not run") {
  const base::TempDir folder;
  CHECK(problem_of({shell("exit 3"), shell("touch " + folder.path() + "/ran")}) ==
        "prestart hook \"/bin/sh\": ended with status 3");
  CHECK_FALSE(base::exists(folder.fd(), "ran"));
  CHECK(problem_of({shell("kill -TERM $$")}) == "prestart hook \"/bin/sh\": was ended by signal 15");
  CHECK(problem_of({{.path = "/no/such/hook"}}).find("\"/no/such/hook\"") != std::string::npos);
}

TEST_CASE("a hook is killed after its time-out") {
  runtime::Hook hook = shell("echo $$ > \"$FILE\"; exec sleep 1000");
  const base::TempDir folder;
  hook.env = {"FILE=" + folder.path() + "/pid"};
  hook.timeout_seconds = 1;
  CHECK(problem_of({hook}).find("time-out of 1 s") != std::string::npos);
  const auto pid = base::parse_unsigned(base::trim(base::read_file(folder.fd(), "pid", max_text_bytes)));
  REQUIRE(pid);
  CHECK(::kill(static_cast<pid_t>(*pid), 0) != 0);
}

TEST_CASE("after the container's end a failing hook does not keep the others from running") {
  const base::TempDir folder;
  runtime::run_hooks_leniently({shell("exit 1"), shell("touch " + folder.path() + "/ran")}, "poststop", "{}");
  CHECK(base::exists(folder.fd(), "ran"));
}
