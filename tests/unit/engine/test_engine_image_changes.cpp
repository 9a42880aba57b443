#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/image_changes.hpp"

namespace {

std::string config_of(const std::vector<std::string>& instructions) {
  engine::ImageChanges changes;
  for (const std::string& instruction : instructions) changes.apply(instruction);
  base::JsonWriter json;
  changes.write(json);
  return json.take();
}

}  // namespace

TEST_CASE("instructions become a config in podman's order") {
  CHECK(config_of({"CMD [\"/bin/sh\"]", "ENV a=b", "EXPOSE 80", "LABEL x=y", "VOLUME /data", "WORKDIR /w", "USER 5",
                   "STOPSIGNAL 9", "ENTRYPOINT [\"/bin/sh\",\"-c\"]", "ONBUILD RUN x"}) ==
        R"({"User":"5","ExposedPorts":{"80/tcp":{}},"Env":["a=b"],"Entrypoint":["/bin/sh","-c"],"Cmd":["/bin/sh"],)"
        R"("Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"x":"y"},"StopSignal":"9","OnBuild":["RUN x"]})");
  CHECK(config_of({}) == "{}");
}

TEST_CASE("a command that is no list is one for the shell, and the key may be followed by =") {
  CHECK(config_of({"cmd echo hi"}) == R"({"Cmd":["/bin/sh","-c","echo hi"]})");
  CHECK(config_of({"ENTRYPOINT=/bin/a"}) == R"({"Entrypoint":["/bin/sh","-c","/bin/a"]})");
  CHECK(config_of({"CMD [ -f /x ] && y"}) == R"({"Cmd":["/bin/sh","-c","[ -f /x ] && y"]})");
  CHECK(config_of({"CMD a", "CMD [\"b\"]"}) == R"({"Cmd":["b"]})");
}

TEST_CASE("HEALTHCHECK is a command with options, or none") {
  CHECK(config_of({"HEALTHCHECK NONE"}) == R"({"Healthcheck":{"Test":["NONE"]}})");
  CHECK(config_of({"HEALTHCHECK CMD test -e /up"}) == R"({"Healthcheck":{"Test":["CMD-SHELL","test -e /up"]}})");
  CHECK(config_of({R"(HEALTHCHECK --interval=5s --timeout=1m --retries=4 CMD ["/bin/a", "b"])"}) ==
        R"({"Healthcheck":{"Interval":5000000000,"Timeout":60000000000,"Retries":4,"Test":["CMD","/bin/a","b"]}})");
  for (const char* bad : {"HEALTHCHECK", "HEALTHCHECK test -e /up", "HEALTHCHECK --interval=soon CMD a",
                          "HEALTHCHECK --interval 5s CMD a", "HEALTHCHECK --colour=red CMD a"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(config_of({bad}), base::Error);
  }
}

TEST_CASE("ENV and LABEL take several pairs, quoted ones, and the old form with a blank") {
  CHECK(config_of({R"(ENV a=1 b="two words" c=x\ y d='q')"}) == R"({"Env":["a=1","b=two words","c=x y","d=q"]})");
  CHECK(config_of({"ENV a one two"}) == R"({"Env":["a=one two"]})");
  CHECK(config_of({"ENV a=1", "ENV a=2"}) == R"({"Env":["a=2"]})");
  CHECK(config_of({"LABEL text=hello world"}) == R"({"Labels":{"text":"hello world"}})");
}

TEST_CASE("ports, volumes and their lists") {
  CHECK(config_of({"EXPOSE 80 81/udp", "EXPOSE 80/TCP"}) == R"({"ExposedPorts":{"80/tcp":{},"81/udp":{}}})");
  CHECK(config_of({R"(VOLUME ["/a","/b"])", "VOLUME /a"}) == R"({"Volumes":{"/a":{},"/b":{}}})");
}

TEST_CASE("what is no instruction is refused") {
  for (const char* bad : {"", "CMD", "CMD ", "FOO x", "ENV x", "ENV =x", "EXPOSE x", "EXPOSE 0", "EXPOSE 65536",
                          "EXPOSE 80/x", "LABEL x"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(config_of({bad}), base::Error);
  }
}
