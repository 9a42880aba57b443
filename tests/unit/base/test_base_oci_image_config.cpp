#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/oci/image_config.hpp"

using namespace oci;

namespace {

const std::string first(64, '1'), second(64, '2');

}  // namespace

TEST_CASE("an image config gives what a run needs") {
  const ImageConfig config = parse_image_config(
      R"({"architecture":"arm","variant":"v7","os":"linux","created":"2024-01-01T00:00:00Z","author":"me",
          "docker_version":"20","container_config":{"Cmd":["x"]},
          "config":{"User":"1:2","Env":["PATH=/bin","A="],"Entrypoint":["/e"],"Cmd":["c","d"],"WorkingDir":"/w",
            "Volumes":{"/v":{},"/u":{}},"ExposedPorts":{"80/tcp":{}},"Labels":{"z":"1","a":"2"},
            "StopSignal":"SIGINT","OnBuild":null,"Hostname":"h"},
          "rootfs":{"type":"layers","diff_ids":["sha256:)" +
          first + R"("]},"history":[{"created":"t","created_by":"RUN x","empty_layer":true},{}]})",
      "test");
  CHECK(config.platform.to_string() == "linux/arm/v7");
  CHECK(config.created == "2024-01-01T00:00:00Z");
  CHECK(config.author == "me");
  CHECK(config.user == "1:2");
  CHECK(config.env == std::vector<std::string>{"PATH=/bin", "A="});
  CHECK(config.entrypoint == std::vector<std::string>{"/e"});
  CHECK(config.cmd == std::vector<std::string>{"c", "d"});
  CHECK(config.working_dir == "/w");
  CHECK(config.volumes == std::vector<std::string>{"/v", "/u"});
  CHECK(config.exposed_ports == std::vector<std::string>{"80/tcp"});
  CHECK(config.labels == std::vector<std::pair<std::string, std::string>>{{"z", "1"}, {"a", "2"}});
  CHECK(config.stop_signal == "SIGINT");
  REQUIRE(config.diff_ids.size() == 1);
  CHECK(config.diff_ids[0].hex() == first);
  REQUIRE(config.history.size() == 2);
  CHECK(config.history[0].empty_layer);
  CHECK(config.history[0].created_by == "RUN x");
}

TEST_CASE("absent and null parts are empty") {
  for (const char* text : {R"({"rootfs":{"type":"layers","diff_ids":[]}})", R"({"config":null,"rootfs":{}})",
                           R"({"config":{"Env":null,"Cmd":null,"Volumes":null,"Labels":null},"history":null,
                               "rootfs":{"type":"layers","diff_ids":null}})"}) {
    CAPTURE(text);
    const ImageConfig config = parse_image_config(text, "test");
    CHECK(config.platform.os == "linux");
    CHECK(config.env.empty());
    CHECK(config.cmd.empty());
    CHECK(config.labels.empty());
    CHECK(config.diff_ids.empty());
  }
}

TEST_CASE("a command written as one string is a list of one") {
  CHECK(parse_image_config(R"({"config":{"Cmd":"run me"},"rootfs":{}})", "test").cmd ==
        std::vector<std::string>{"run me"});
}

TEST_CASE("malformed image configs are refused") {
  for (const char* bad : {"", "[]", "{}", R"({"rootfs":{"type":"disk"}})", R"({"rootfs":{"diff_ids":["x"]}})",
                          R"({"config":[],"rootfs":{},"config":{}})", R"({"config":{"Env":"x"},"rootfs":{}})",
                          R"({"config":{"Env":[1]},"rootfs":{}})", R"({"config":{"User":1},"rootfs":{}})",
                          R"({"config":{"Labels":{"a":1}},"rootfs":{}})",
                          R"({"config":{"Env":["A\u0000B"]},"rootfs":{}})", R"({"history":{},"rootfs":{}})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_image_config(bad, "test"), base::Error);
  }
}

TEST_CASE("chain ids follow the specification") {
  CHECK(chain_ids({}).empty());
  const base::Digest one = base::Digest::from_hex(first), two = base::Digest::from_hex(second);
  const std::vector<base::Digest> chain = chain_ids({one, two, one});
  REQUIRE(chain.size() == 3);
  CHECK(chain[0] == one);
  CHECK(chain[1].hex() == "9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5");
  CHECK(chain[2].hex() == "cc68b5999b6e49875d65ff354334e05c43e65a3921cab7ff95f6385e3390e63a");
}
