#include <doctest/doctest.h>

#include "base/error.hpp"
#include "engine/volume_filters.hpp"
#include "engine/volume_options.hpp"

using engine::VolumeMeaning;
using Options = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a volume without options is a folder of the store") {
  const VolumeMeaning meaning = engine::parse_volume_options({});
  CHECK(meaning.kind == VolumeMeaning::Kind::folder);
  CHECK(meaning.copy_up);
  CHECK_FALSE(meaning.uid);
}

TEST_CASE("the options of the local driver") {
  const VolumeMeaning owned = engine::parse_volume_options({{"o", "uid=5,gid=6,nocopy,ro"}});
  CHECK(owned.kind == VolumeMeaning::Kind::folder);
  CHECK(owned.uid == 5u);
  CHECK(owned.gid == 6u);
  CHECK_FALSE(owned.copy_up);
  CHECK(owned.mount_options == std::vector<std::string>{"ro"});
  const VolumeMeaning memory = engine::parse_volume_options({{"device", "tmpfs"}, {"o", "size=1m"}, {"type", "tmpfs"}});
  CHECK(memory.kind == VolumeMeaning::Kind::tmpfs);
  CHECK(memory.mount_options == std::vector<std::string>{"size=1m"});
  const VolumeMeaning bound = engine::parse_volume_options({{"device", "/srv"}, {"o", "bind"}, {"type", "none"}});
  CHECK(bound.kind == VolumeMeaning::Kind::bind);
  CHECK(bound.device == "/srv");
}

TEST_CASE("what an ordinary user cannot have, or nobody knows, is refused") {
  for (const Options& bad :
       {Options{{"type", "nfs"}}, Options{{"type", "none"}}, Options{{"o", "size=1g"}},
        Options{{"o", "uid=4294967295"}}, Options{{"o", "uid=-1"}}, Options{{"o", "shiny"}}, Options{{"color", "red"}},
        Options{{"device", "/srv"}}, Options{{"o", "bind"}, {"device", "srv"}}}) {
    CAPTURE(bad.front().first);
    CAPTURE(bad.front().second);
    CHECK_THROWS_AS(engine::parse_volume_options(bad), base::Error);
  }
}

TEST_CASE("filters of one key are alternatives, but labels must all be there") {
  const engine::VolumeSummary volume{.name = "data",
                                     .created = base::Time{},
                                     .words = {.labels = {{"a", "1"}, {"b", ""}}, .options = {{"type", "tmpfs"}}}};
  const auto matches = [&](const std::vector<std::string>& words) {
    return engine::VolumeFilters(words, base::now()).match(volume);
  };
  CHECK(matches({}));
  CHECK(matches({"name=x", "name=at"}));
  CHECK_FALSE(matches({"name=^at"}));
  CHECK(matches({"label=a=1", "label=b"}));
  CHECK_FALSE(matches({"label=a=1", "label=c"}));
  CHECK_FALSE(matches({"label!=b"}));
  CHECK(matches({"opt=type", "dangling=true"}));
  CHECK_FALSE(matches({"dangling=false"}));
  CHECK_THROWS_AS(matches({"color=red"}), base::Error);
  CHECK_THROWS_AS(matches({"dangling=perhaps"}), base::Error);
}
