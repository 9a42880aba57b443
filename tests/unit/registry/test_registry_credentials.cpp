#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "registry/base64.hpp"
#include "registry/credential_helper.hpp"
#include "registry/credentials.hpp"

using registry::read_auth_file;

namespace {

std::string auth_of(const char* user_and_password) {
  return R"({"auth":")" + registry::base64_encode(user_and_password) + R"("})";
}

/// "user:password" that the file gives for a repository, "helper NAME", or "none".
std::string answer_of(const std::string& text, const char* domain, const char* path) {
  const registry::AuthFileAnswer answer = read_auth_file(text, "auth.json", domain, path);
  if (answer.credentials && !answer.credentials->identity_token.empty())
    return "token " + answer.credentials->identity_token;
  if (answer.credentials) return answer.credentials->user + ":" + answer.credentials->password;
  return answer.helper.empty() ? "none" : "helper " + answer.helper;
}

}  // namespace

TEST_CASE("keys go from the repository up to the host") {
  CHECK(registry::credential_keys("quay.io", "a/b/c") ==
        std::vector<std::string>{"quay.io/a/b/c", "quay.io/a/b", "quay.io/a", "quay.io"});
}

TEST_CASE("old-style keys mean a host") {
  CHECK(registry::host_of_legacy_key("https://index.docker.io/v1/") == "docker.io");
  CHECK(registry::host_of_legacy_key("index.docker.io") == "docker.io");
  CHECK(registry::host_of_legacy_key("https://h:5000") == "h:5000");
  CHECK(registry::host_of_legacy_key("http://h:5000/v2/") == "h:5000");
  CHECK_FALSE(registry::host_of_legacy_key("quay.io/a"));
  CHECK_FALSE(registry::host_of_legacy_key("quay.io/v1org"));
  CHECK_FALSE(registry::host_of_legacy_key(""));
}

TEST_CASE("the most specific key of an auth file decides") {
  const std::string file = R"({"auths":{"quay.io":)" + auth_of("host:1") + R"(,"quay.io/team":)" + auth_of("team:2") +
                           R"(,"quay.io/team/app":)" + auth_of("app:3:x") + R"(,"https://index.docker.io/v1/":)" +
                           auth_of("hub:4") + R"(,"https://old.io/v1/":)" + auth_of("old:5") +
                           R"(,"tok.io":{"identitytoken":"T"},"empty.io":{}}})";
  struct Row {
    const char* domain;
    const char* path;
    const char* answer;
  };
  const Row rows[] = {
      {"quay.io", "other/app", "host:1"},
      {"quay.io", "team/web", "team:2"},
      {"quay.io", "team/app", "app:3:x"},
      {"quay.io", "teams/x", "host:1"},
      {"docker.io", "library/busybox", "hub:4"},
      {"old.io", "x", "old:5"},
      {"tok.io", "x", "token T"},
      {"empty.io", "x", "none"},
      {"other.io", "x", "none"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.domain);
    CAPTURE(row.path);
    CHECK(answer_of(file, row.domain, row.path) == row.answer);
  }
}

TEST_CASE("a helper of the host comes before auths, the common store after them") {
  const std::string file = R"({"auths":{"a.io":)" + auth_of("u:p") + R"(,"b.io":)" + auth_of("u:p") +
                           R"(,"c.io":{}},"credHelpers":{"a.io":"gcr"},"credsStore":"secret-service"})";
  CHECK(answer_of(file, "a.io", "x") == "helper gcr");
  CHECK(answer_of(file, "b.io", "x") == "u:p");
  CHECK(answer_of(file, "c.io", "x") == "helper secret-service");
}

TEST_CASE("broken auth files and helper names that could be paths are refused") {
  for (const char* bad : {R"({"auths":{"a.io":{"auth":"!!"}}})", R"({"auths":{"a.io":{"auth":"bm9jb2xvbg=="}}})",
                          R"({"credHelpers":{"a.io":"../x"}})", R"({"credsStore":"a/b"})", R"({"auths":)", R"([])",
                          R"({"auths":{"a.io":{}},"auths":{}})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(read_auth_file(bad, "auth.json", "a.io", "x"), base::Error);
  }
  CHECK(answer_of("", "a.io", "x") == "none");
  CHECK(answer_of("{}", "a.io", "x") == "none");
}

TEST_CASE("helper names hold letters, digits, dash and underscore only") {
  for (const char* good : {"gcr", "secret-service", "ecr_login2"}) CHECK(registry::is_helper_name(good));
  for (const char* bad : {"", "../x", "a/b", "a b", ".", "a.b", "\xc3\xa9"}) {
    CAPTURE(bad);
    CHECK_FALSE(registry::is_helper_name(bad));
  }
}

TEST_CASE("a helper's answer is a login or a token") {
  const auto login = registry::parse_helper_answer(R"({"ServerURL":"x","Username":"u","Secret":"p"})", "h");
  CHECK(login.user == "u");
  CHECK(login.password == "p");
  const auto token = registry::parse_helper_answer(R"({"Username":"<token>","Secret":"T"})", "h");
  CHECK(token.identity_token == "T");
  CHECK(token.user.empty());
  CHECK_THROWS_AS(registry::parse_helper_answer("not json", "h"), base::Error);
}

TEST_CASE("--creds wins, --authfile must exist, and of the other files the first that knows decides") {
  const base::TempDir dir;
  const auto write = [&](const char* name, const std::string& text) {
    base::write_file_atomically(dir.fd(), name, text, base::Durability::volatile_);
    return dir.path() + "/" + name;
  };
  registry::RegistryOptions options;
  options.auth_files = {
      dir.path() + "/absent", write("one", R"({"auths":{"a.io":)" + auth_of("one:1") + "}}"),
      write("two", R"({"auths":{"a.io":)" + auth_of("two:2") + R"(,"b.io":)" + auth_of("two:3") + "}}")};
  CHECK(registry::find_credentials("a.io", "x", options)->user == "one");
  CHECK(registry::find_credentials("b.io", "x", options)->password == "3");
  CHECK_FALSE(registry::find_credentials("c.io", "x", options));

  options.auth_file = options.auth_files[2];
  CHECK(registry::find_credentials("a.io", "x", options)->user == "two");
  options.auth_file = dir.path() + "/absent";
  CHECK_THROWS_AS(registry::find_credentials("a.io", "x", options), base::Error);

  options.credentials = "me:pass:word";
  CHECK(registry::find_credentials("a.io", "x", options)->password == "pass:word");
  for (const char* bad : {"me", ":x"}) {
    options.credentials = bad;
    CHECK_THROWS_AS(registry::find_credentials("a.io", "x", options), base::Error);
  }
}

TEST_CASE("base64 goes both ways, and refuses what it is not") {
  const char* const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
  for (const auto& [plain, encoded] : pairs) {
    CHECK(registry::base64_encode(plain) == encoded);
    CHECK(registry::base64_decode(encoded) == plain);
  }
  CHECK(registry::base64_decode("Zg") == "f");
  CHECK(registry::base64_decode("Zg==\n") == "f");
  CHECK(registry::base64_encode(std::string{"\xff\x00\x7f", 3}) == "/wB/");
  for (const char* bad : {"Z", "Zm9vY", "Zm 9", "Zg===", "Z-_9", "=Zg="}) {
    CAPTURE(bad);
    CHECK_FALSE(registry::base64_decode(bad));
  }
}
