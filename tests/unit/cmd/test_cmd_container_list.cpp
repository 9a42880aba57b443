#include <chrono>
#include <doctest/doctest.h>

#include "cmd/container/list.hpp"
#include "cmd/image/list.hpp"

using namespace std::chrono_literals;

TEST_CASE("a status reads as podman's") {
  const base::Time now{std::chrono::hours{24 * 365}};
  base::set_clock_for_tests(now);
  engine::ContainerSummary container;
  container.status = "created";
  CHECK(cmd::status_text(container) == "Created");
  container.status = "running";
  container.started = now - 5min;
  CHECK(cmd::status_text(container) == "Up 5 minutes");
  container.status = "unmonitored";
  CHECK(cmd::status_text(container) == "Up 5 minutes (unmonitored)");
  container.status = "exited";
  container.exit_code = 137;
  CHECK(cmd::status_text(container) == "Exited (137)");
  container.finished = now - 2h;
  CHECK(cmd::status_text(container) == "Exited (137) 2 hours ago");
  container.status = "removing";
  CHECK(cmd::status_text(container) == "Removing");
  base::set_clock_for_tests(std::nullopt);
}

TEST_CASE("an image name is cut at the tag, not at the port") {
  const auto check = [](const char* name, const char* repository, const char* tag) {
    CAPTURE(name);
    CHECK(cmd::split_image_name(name).repository == repository);
    CHECK(cmd::split_image_name(name).tag == tag);
  };
  check("docker.io/library/busybox:latest", "docker.io/library/busybox", "latest");
  check("localhost:5000/a/b", "localhost:5000/a/b", "<none>");
  check("localhost:5000/a/b:1", "localhost:5000/a/b", "1");
  check("a/b@sha256:1234", "a/b", "<none>");
  check("a/b:1@sha256:1234", "a/b", "1");
  check("", "<none>", "<none>");
}
