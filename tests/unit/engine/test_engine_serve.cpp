#include <doctest/doctest.h>
#include <fcntl.h>
#include <thread>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/serve_answers.hpp"
#include "engine/serve_fetch.hpp"

using engine::parse_question;
using What = engine::RegistryQuestion::What;

namespace {

const std::string digest_text = base::sha256("x").text();

std::string header_of(const registry::ServerResponse& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers)
    if (key == name) return value;
  return {};
}

registry::ServerRequest asking(std::vector<std::pair<std::string, std::string>> query, std::string range = {}) {
  return {.method = "GET", .path = "/", .host = {}, .range = std::move(range), .query = std::move(query)};
}

base::UniqueFd open_file(const base::TempDir& folder) {
  return base::UniqueFd{::openat(folder.fd(), "blob", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
}

}  // namespace

TEST_CASE("paths of the distribution specification are understood") {
  CHECK(parse_question("/v2/").what == What::base);
  CHECK(parse_question("/v2/_catalog").what == What::catalog);
  CHECK(parse_question("/v2/a/b/tags/list").what == What::tags);
  const auto manifest = parse_question("/v2/docker.io/library/alpine/manifests/3.19");
  CHECK(manifest.what == What::manifest);
  CHECK(manifest.repository == "docker.io/library/alpine");
  CHECK(manifest.name == "3.19");
  CHECK(parse_question("/v2/a/manifests/" + digest_text).what == What::manifest);
  CHECK(parse_question("/v2/a/blobs/" + digest_text).what == What::blob);
  CHECK(parse_question("/v2/a/referrers/" + digest_text).what == What::referrers);
  // Words of the specification are good names as well.
  CHECK(parse_question("/v2/manifests/blobs/manifests/tags").repository == "manifests/blobs");
}

TEST_CASE("what could be a path of ours, or is no name, is unknown") {
  for (const std::string& path :
       {std::string{"/"}, std::string{"/v1/search"}, std::string{"/v2/../etc/passwd"},
        std::string{"/v2/../manifests/x"}, std::string{"/v2/a/../b/manifests/x"}, std::string{"/v2//manifests/x"},
        std::string{"/v2/A/manifests/x"}, std::string{"/v2/a/manifests/.."}, std::string{"/v2/a/manifests/-x"},
        std::string{"/v2/a/manifests/"}, std::string{"/v2/a:5/manifests/x"}, std::string{"/v2/a/blobs/x"},
        std::string{"/v2/a/blobs/sha256:12"}, base::concat("/v2/a/blobs/", std::string(71, 'a')),
        std::string{"/v2/a/tags/lists"}, std::string{"/v2/a/uploads/"},
        base::concat("/v2/a/manifests/", std::string(129, 'a')),
        base::concat("/v2/", std::string(300, 'a'), "/tags/list")}) {
    CAPTURE(path);
    CHECK(parse_question(path).what == What::unknown);
  }
}

TEST_CASE("pages end with a link to the next") {
  const std::vector<std::string> tags{"a", "b", "c"};
  const auto first = engine::page_answer(asking({{"n", "2"}}), "app", "tags", tags);
  CHECK(std::get<std::string>(first.body) == R"({"name":"app","tags":["a","b"]})");
  CHECK(header_of(first, "Link") == "</v2/app/tags/list?n=2&last=b>; rel=\"next\"");
  const auto last = engine::page_answer(asking({{"n", "2"}, {"last", "b"}}), "app", "tags", tags);
  CHECK(std::get<std::string>(last.body) == R"({"name":"app","tags":["c"]})");
  CHECK(header_of(last, "Link").empty());
  CHECK(std::get<std::string>(engine::page_answer(asking({{"n", "0"}}), "app", "tags", tags).body) ==
        R"({"name":"app","tags":[]})");
  CHECK(engine::page_answer(asking({{"n", "-1"}}), "app", "tags", tags).status == 400);
}

TEST_CASE("a blob is given whole, in part, or not at all") {
  const base::TempDir folder;
  const auto ask = [&](const std::string& range) {
    base::UniqueFd fd = open_file(folder);
    return engine::blob_answer(std::move(fd), 10, base::Digest::parse(digest_text), asking({}, range));
  };
  CHECK(ask("").status == 200);
  CHECK(std::get<registry::FileBody>(ask("").body).size_bytes == 10);
  const auto part = ask("bytes=4-");
  CHECK(part.status == 206);
  CHECK(header_of(part, "Content-Range") == "bytes 4-9/10");
  CHECK(std::get<registry::FileBody>(part.body).offset == 4);
  CHECK(ask("bytes=10-").status == 416);
}

TEST_CASE("readers of a fetch follow its writer, and get the last byte when all was checked") {
  const base::TempDir folder;
  engine::ServedFetch fetch(base::sha256("hello"), 5, open_file(folder));
  fetch.write("hel");
  char buffer[16];
  CHECK(fetch.read(0, buffer, sizeof buffer) == 3);
  std::string rest;
  std::thread reader([&] {
    for (std::uint64_t position = 3; position < 5;) {
      const std::ptrdiff_t got = fetch.read(position, buffer, sizeof buffer);
      if (got < 0) return;
      rest.append(buffer, static_cast<std::size_t>(got));
      position += static_cast<std::uint64_t>(got);
    }
  });
  fetch.write("lo");
  fetch.verify();
  fetch.succeed();
  reader.join();
  CHECK(rest == "lo");
}

TEST_CASE("of a wrong blob no reader gets the end") {
  const base::TempDir folder;
  engine::ServedFetch fetch(base::sha256("hello"), 5, open_file(folder));
  fetch.write("hallo");
  char buffer[16];
  CHECK(fetch.read(0, buffer, sizeof buffer) == 4);
  CHECK_THROWS_AS(fetch.verify(), base::Error);
  fetch.fail();
  CHECK(fetch.read(4, buffer, sizeof buffer) == -1);
  CHECK_THROWS_AS(fetch.write("x"), base::Error);
  engine::ServedFetch other(base::sha256("hello"), 5, open_file(folder));
  CHECK_THROWS_AS(other.write("longer"), base::Error);
}
