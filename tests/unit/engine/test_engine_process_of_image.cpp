#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/process_of_image.hpp"

using engine::container_command;
using engine::container_environment;
using engine::container_work_dir;
using engine::RunOptions;

namespace {
oci::ImageConfig image() {
  oci::ImageConfig config;
  config.entrypoint = {"/entry", "-x"};
  config.cmd = {"default"};
  config.env = {"PATH=/image", "LANG=C"};
  config.working_dir = "/srv";
  return config;
}
using Words = std::vector<std::string>;
}  // namespace

TEST_CASE("the command is entrypoint and words, or entrypoint and CMD") {
  RunOptions options;
  CHECK(container_command(options, image()) == Words{"/entry", "-x", "default"});
  options.arguments = {"a", "b"};
  CHECK(container_command(options, image()) == Words{"/entry", "-x", "a", "b"});
}

TEST_CASE("--entrypoint replaces both; empty clears both; JSON is a list") {
  RunOptions options;
  options.entrypoint.emplace("/bin/sh");
  CHECK(container_command(options, image()) == Words{"/bin/sh"});
  options.entrypoint.emplace(R"(["/bin/sh", "-c"])");
  options.arguments = {"id"};
  CHECK(container_command(options, image()) == Words{"/bin/sh", "-c", "id"});
  options.entrypoint.emplace("");
  CHECK(container_command(options, image()) == Words{"id"});
  options.arguments.clear();
  CHECK_THROWS_AS(container_command(options, image()), base::Error);
}

TEST_CASE("the environment is defaults, image, options, then what a process needs") {
  RunOptions options;
  options.env = {"LANG=de", "COPIED"};
  options.tty = true;
  engine::ResolvedUser user;
  user.home = "/home/app";
  const auto environment =
      container_environment(options, image(), user, "box", {"COPIED=yes", "http_proxy=p", "SECRET=1"});
  CHECK(environment.get("PATH") == "/image");
  CHECK(environment.get("LANG") == "de");
  CHECK(environment.get("COPIED") == "yes");
  CHECK(environment.get("TERM") == "xterm");
  CHECK(environment.get("HOME") == "/home/app");
  CHECK(environment.get("HOSTNAME") == "box");
  CHECK(environment.get("http_proxy") == "p");
  CHECK_FALSE(environment.has("SECRET"));
}

TEST_CASE("the working directory must be absolute") {
  RunOptions options;
  CHECK(container_work_dir(options, image()) == "/srv");
  options.work_dir = "relative";
  CHECK_THROWS_AS(container_work_dir(options, image()), base::Error);
  CHECK(container_work_dir({}, {}) == "/");
}
