#include <doctest/doctest.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "registry/auth_file.hpp"
#include "registry/credential_helper.hpp"
#include "registry/credentials.hpp"

namespace {

const registry::Credentials ann{.user = "ann", .password = "s3:cret", .identity_token = {}};

std::string user_in(const std::string& text, const char* domain, const char* path) {
  const auto answer = registry::read_auth_file(text, "auth.json", domain, path);
  return answer.credentials ? answer.credentials->user + "/" + answer.credentials->password : "none";
}

std::string add(const std::string& text, const std::string& key, const registry::Credentials& credentials = ann) {
  return registry::add_to_auth_file(text, "auth.json", key, credentials);
}

}  // namespace

TEST_CASE("what is typed as a registry becomes a key") {
  const std::pair<const char*, const char*> rows[] = {
      {"quay.io", "quay.io"},
      {"https://quay.io/", "quay.io"},
      {"quay.io/team", "quay.io/team"},
      {"http://host:5000/team/app/", "host:5000/team/app"},
      {"docker.io", "docker.io"},
      {"index.docker.io", "docker.io"},
      {"https://index.docker.io/v1/", "docker.io"},
      {"https://old.example/v2/", "old.example"},
      {"localhost:5000", "localhost:5000"},
  };
  for (const auto& [typed, key] : rows) {
    CAPTURE(typed);
    CHECK(registry::login_key(typed) == key);
  }
  for (const char* bad : {"", "https://", "nodots", "quay.io/UPPER", "quay.io/team:tag", "quay.io//x", "a b.io"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(registry::login_key(bad), base::Error);
  }
}

TEST_CASE("a login is added, and replaced, and nothing else is touched") {
  const std::string before =
      R"({"auths":{"b.io":{"auth":"Yjpi"},"a.io":{"auth":"eDp4"}},"psFormat":"x","credHelpers":{"c.io":"gcr"}})";
  const std::string after = add(before, "a.io");
  CHECK(user_in(after, "a.io", "x") == "ann/s3:cret");
  CHECK(user_in(after, "b.io", "x") == "b/b");
  const base::JsonAt json = base::JsonAt::parse(after, "after");
  CHECK(json.at("psFormat").string() == "x");
  CHECK(json.at("credHelpers").at("c.io").string() == "gcr");
  CHECK(json.at("auths").members().size() == 2);
  CHECK(user_in(add("", "quay.io/team"), "quay.io", "team/app") == "ann/s3:cret");
}

TEST_CASE("the old form of a key is replaced, too") {
  const std::string text = add(R"({"auths":{"https://index.docker.io/v1/":{"auth":"eDp4"}}})", "docker.io");
  CHECK(base::JsonAt::parse(text, "text").at("auths").members().size() == 1);
  CHECK(user_in(text, "docker.io", "library/x") == "ann/s3:cret");
}

TEST_CASE("a token is kept as a token") {
  const std::string text = add("", "a.io", {.user = "", .password = "", .identity_token = "T"});
  const auto answer = registry::read_auth_file(text, "auth.json", "a.io", "x");
  REQUIRE(answer.credentials);
  CHECK(answer.credentials->identity_token == "T");
}

TEST_CASE("a login is taken out, and only that one") {
  const std::string before = add(add("", "a.io"), "a.io/team");
  const auto without = registry::remove_from_auth_file(before, "auth.json", "a.io/team");
  REQUIRE(without);
  CHECK(user_in(*without, "a.io", "team/x") == "ann/s3:cret");  // the registry's own is left
  CHECK_FALSE(registry::remove_from_auth_file(*without, "auth.json", "a.io/team"));
  CHECK_FALSE(registry::remove_from_auth_file("", "auth.json", "a.io"));
  CHECK(user_in(registry::clear_auth_file(before, "auth.json"), "a.io", "x") == "none");
}

TEST_CASE("a broken file is not overwritten") {
  for (const char* bad : {"[]", "{", R"({"auths":3})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(add(bad, "a.io"), base::Error);
  }
}

TEST_CASE("auth files are their owner's alone, also behind a link and in a new folder") {
  const base::TempDir place;
  const std::string file = place.path() + "/new/folder/auth.json";
  registry::edit_auth_file(file, [](const std::string&) { return "{}\n"; });
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const std::string link = place.path() + "/link.json";
  REQUIRE(::symlink(file.c_str(), link.c_str()) == 0);
  registry::edit_auth_file(link, [](const std::string& old) {
    CHECK(old == "{}\n");
    return "{\"auths\":{}}\n";
  });
  CHECK(registry::read_auth_file_text(file) == "{\"auths\":{}}\n");
  REQUIRE(::lstat(link.c_str(), &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
}

TEST_CASE("logins at the same time are all kept") {
  const base::TempDir place;
  const std::string file = place.path() + "/auth.json";
  std::vector<std::thread> threads;
  for (int number = 0; number < 8; ++number)
    threads.emplace_back([&, number] {
      registry::edit_auth_file(file, [&](const std::string& text) {
        return registry::add_to_auth_file(text, file, base::concat("registry", number, ".example"), ann);
      });
    });
  for (std::thread& thread : threads) thread.join();
  const base::JsonAt json = base::JsonAt::parse(registry::read_auth_file_text(file), "the file");
  CHECK(json.at("auths").members().size() == 8);
}

TEST_CASE("helpers are told server, user and secret") {
  CHECK(registry::helper_request("a.io", ann) == R"({"ServerURL":"a.io","Username":"ann","Secret":"s3:cret"})");
  CHECK(registry::helper_request("a.io", {.user = "", .password = "", .identity_token = "T"}) ==
        R"({"ServerURL":"a.io","Username":"<token>","Secret":"T"})");
  CHECK(registry::helper_server("docker.io") == "https://index.docker.io/v1/");
}
