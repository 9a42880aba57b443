#include <algorithm>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "loopback_server.hpp"
#include "registry/base64.hpp"
#include "registry/client.hpp"

using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

const std::string manifest_text = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"})";
const std::string manifest_header = "Content-Type: application/vnd.oci.image.manifest.v1+json";

/// A source for "SERVER/name:tag" that notes its waits instead of sleeping.
struct Pull {
  explicit Pull(const LoopbackServer& server, std::string name = "/lib/app:v1") : name_(server.host() + name) {
    options.tls_verify = false;
  }
  std::unique_ptr<registry::ImageSource> open() {
    return registry::open_docker_source(oci::Reference::parse(name_), options,
                                        [this](std::chrono::milliseconds time) { waits.push_back(time.count()); });
  }
  std::string failure(const std::function<void(registry::ImageSource&)>& work) {
    try {
      work(*open());
    } catch (const base::Error& error) {
      return error.message() + "; " + error.hint();
    }
    return {};
  }
  std::string manifest_failure() {
    return failure([](registry::ImageSource& source) { source.root_manifest(); });
  }
  registry::RegistryOptions options;
  std::vector<long long> waits;

 private:
  std::string name_;
};

oci::Descriptor describe(std::string_view bytes) {
  return {.media_type = "application/vnd.oci.image.layer.v1.tar",
          .digest = base::sha256(bytes),
          .size_bytes = bytes.size()};
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a manifest is fetched by tag, and its digest computed") {
  const LoopbackServer server{
      [](const SeenRequest&) { return http_response(200, {manifest_header + "; charset=utf-8"}, manifest_text); }};
  Pull pull{server};
  const auto source = pull.open();
  const registry::ManifestBytes root = source->root_manifest();
  CHECK(root.bytes == manifest_text);
  CHECK(root.media_type == "application/vnd.oci.image.manifest.v1+json");
  CHECK(root.digest == base::sha256(manifest_text));
  CHECK(source->suggested_name() == server.host() + "/lib/app:v1");
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target == "/v2/lib/app/manifests/v1");
  CHECK(holds(server.requests()[0].header("accept"), "application/vnd.oci.image.index.v1+json"));
  CHECK(holds(server.requests()[0].header("accept"), "manifest.list.v2+json"));
}

TEST_CASE("plain HTTP is not spoken to a registry that is not marked insecure") {
  const LoopbackServer server{[](const SeenRequest&) { return http_response(200, {}, manifest_text); }};
  Pull pull{server};
  pull.options.tls_verify = std::nullopt;
  CHECK_FALSE(pull.manifest_failure().empty());
  pull.options.tls_verify = true;
  CHECK_FALSE(pull.manifest_failure().empty());
  CHECK(server.requests().empty());

  const base::TempDir dir;
  const auto configure = [&](const std::string& text) {
    base::write_file_atomically(dir.fd(), "r.conf", text, base::Durability::volatile_);
  };
  pull.options.registries_conf = {dir.path() + "/r.conf"};
  configure("[[registry]]\nlocation = \"" + server.host() + "\"\ninsecure = true\n");
  CHECK_FALSE(pull.manifest_failure().empty());  // the option wins
  CHECK(server.requests().empty());
  pull.options.tls_verify = std::nullopt;
  CHECK(pull.manifest_failure().empty());
  configure("[[registry]]\nlocation = \"127.0.0.1:1\"\ninsecure = true\n");
  CHECK_FALSE(pull.manifest_failure().empty());
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a manifest that is not what was asked for or announced is refused") {
  std::string digest_header;
  const LoopbackServer server{[&](const SeenRequest&) {
    return http_response(200, {manifest_header, "Docker-Content-Digest: " + digest_header}, manifest_text);
  }};
  digest_header = base::sha256(manifest_text).text();
  CHECK(Pull{server}.manifest_failure().empty());
  CHECK(Pull{server, "/x@" + base::sha256(manifest_text).text()}.manifest_failure().empty());
  CHECK(holds(Pull{server, "/x@" + base::sha256("other").text()}.manifest_failure(), "has the digest"));
  digest_header = "sha512:abc";
  CHECK(Pull{server}.manifest_failure().empty());
  digest_header = base::sha256("other").text();
  CHECK(holds(Pull{server}.manifest_failure(), "was announced"));
}

TEST_CASE("a manifest of an index must have the descriptor's size and type") {
  const LoopbackServer server{[](const SeenRequest&) { return http_response(200, {manifest_header}, manifest_text); }};
  oci::Descriptor descriptor = describe(manifest_text);
  const auto fetch = [&] {
    return Pull{server}.failure([&](registry::ImageSource& source) { source.manifest(descriptor); });
  };
  descriptor.media_type = "application/vnd.oci.image.manifest.v1+json";
  CHECK(fetch().empty());
  descriptor.media_type = "application/vnd.oci.image.index.v1+json";
  CHECK(holds(fetch(), "instead of"));
  descriptor.media_type = "application/vnd.oci.image.manifest.v1+json";
  ++descriptor.size_bytes;
  CHECK(holds(fetch(), "instead of"));
  descriptor.size_bytes -= 2;
  CHECK(holds(fetch(), "longer than"));
}

TEST_CASE("a manifest over 4 MiB is refused before its body is read") {
  const LoopbackServer server{
      [](const SeenRequest&) { return std::string{"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n{"}; }};
  CHECK(holds(Pull{server}.manifest_failure(), "longer than 4194304 bytes"));
}

TEST_CASE("busy and failing registries are asked again, and told from lasting errors") {
  std::vector<std::string> answers;
  std::size_t next = 0;
  const LoopbackServer server{[&](const SeenRequest&) {
    return next < answers.size() ? answers[next++] : http_response(200, {manifest_header}, manifest_text);
  }};
  Pull patient{server};
  answers = {http_response(429, {"Retry-After: 3"}, ""), http_response(503, {}, ""), ""};
  CHECK(patient.manifest_failure().empty());
  CHECK(patient.waits == std::vector<long long>{3000, 1000, 2000});

  Pull hopeless{server};
  answers = {http_response(429, {"Retry-After: 315360000"}, R"({"errors":[{"code":"TOOMANYREQUESTS"}]})")};
  next = 0;
  CHECK(holds(hopeless.manifest_failure(), "again after more than a year"));
  CHECK(hopeless.waits.empty());

  Pull unlucky{server};
  unlucky.options.retries = 2;
  answers = {http_response(500, {}, "<html>"), http_response(500, {}, ""), http_response(500, {}, "")};
  next = 0;
  CHECK(holds(unlucky.manifest_failure(), "answered 500"));
  CHECK(unlucky.waits.size() == 2);

  Pull wrong{server};
  answers = {http_response(404, {}, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\u001b unknown"}]})")};
  next = 0;
  const std::string message = wrong.manifest_failure();
  CHECK(holds(message, "has no manifest lib/app:v1"));
  CHECK(holds(message, "unknown"));
  CHECK_FALSE(holds(message, "\x1b"));
  CHECK(wrong.waits.empty());
}

TEST_CASE("a cut blob is resumed, and the sink gets each byte once") {
  const std::string blob = std::string(3000, 'a') + std::string(3000, 'b') + std::string(3000, 'c');
  const LoopbackServer server{[&](const SeenRequest& request) {
    const std::string range = request.header("range");
    std::size_t start = 0;
    if (!range.empty()) start = *base::parse_unsigned(std::string_view{range}.substr(6, range.size() - 7));
    const std::size_t end = std::min(start + 4000, blob.size());
    std::string head =
        base::concat("HTTP/1.1 ", start == 0 ? 200 : 206, " OK\r\nContent-Length: ", blob.size() - start, "\r\n");
    if (start > 0) head += base::concat("Content-Range: bytes ", start, "-", blob.size() - 1, "/", blob.size(), "\r\n");
    return head + "\r\n" + blob.substr(start, end - start);
  }};
  Pull pull{server};
  base::StringSink sink{10'000};
  pull.open()->blob(describe(blob), sink, 0);
  CHECK(sink.take() == blob);
  CHECK(pull.waits.size() == 2);
  base::StringSink rest{10'000};
  pull.open()->blob(describe(blob), rest, 5500);
  CHECK(rest.take() == blob.substr(5500));
}

TEST_CASE("a server that ignores ranges sends everything, and the known part is skipped") {
  const std::string blob = "0123456789";
  const LoopbackServer server{[&](const SeenRequest&) { return http_response(200, {}, blob); }};
  base::StringSink sink{100};
  Pull{server}.open()->blob(describe(blob), sink, 4);
  CHECK(sink.take() == "456789");
}

TEST_CASE("blobs that contradict their descriptor or the request are refused at once") {
  const std::string blob = "0123456789";
  struct Row {
    const char* what;
    std::string answer;
    std::uint64_t offset;
    const char* part;
  };
  const Row rows[] = {
      {"longer", http_response(200, {}, blob + "x"), 0, "announced"},
      {"shorter", http_response(200, {}, "012"), 0, "announced"},
      {"longer, not announced", "HTTP/1.1 200 OK\r\n\r\n" + blob + "x", 0, "longer than"},
      {"longer, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + blob + "x\r\n0\r\n\r\n", 0,
       "longer than"},
      {"a part, not asked for", http_response(206, {"Content-Range: bytes 0-9/10"}, blob), 0, "a part of it"},
      {"another range", http_response(206, {"Content-Range: bytes 3-9/10"}, "456789"), 4, "another range"},
      {"another size", http_response(206, {"Content-Range: bytes 4-9/11"}, "456789"), 4, "another range"},
      {"no range", http_response(206, {}, "456789"), 4, "another range"},
      {"absent", http_response(404, {}, ""), 0, "has no blob"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const LoopbackServer server{[&](const SeenRequest&) { return row.answer; }};
    Pull pull{server};
    base::StringSink sink{100};
    const std::string message =
        pull.failure([&](registry::ImageSource& source) { source.blob(describe(blob), sink, row.offset); });
    CAPTURE(message);
    CHECK(holds(message, row.part));
    CHECK(pull.waits.empty());
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("a blob that always ends early is given up after the retries") {
  const LoopbackServer server{[](const SeenRequest&) {
    return std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n0\r\n\r\n"};
  }};
  Pull pull{server};
  base::StringSink sink{100};
  CHECK(holds(pull.failure([&](registry::ImageSource& source) { source.blob(describe("0123456789"), sink, 0); }),
              "ended after 3 of 10 bytes"));
  CHECK(pull.waits.size() == 3);
  CHECK(sink.take() == "012");
}

TEST_CASE("an error of the sink is passed on and not taken for the network's") {
  const LoopbackServer server{[](const SeenRequest&) { return http_response(200, {}, "0123456789"); }};
  Pull pull{server};
  base::StringSink sink{5};
  CHECK_FALSE(
      pull.failure([&](registry::ImageSource& source) { source.blob(describe("0123456789"), sink, 0); }).empty());
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a token is fetched once and sent with every request after") {
  LoopbackServer* self = nullptr;
  LoopbackServer server{[&](const SeenRequest& request) {
    if (request.target.substr(0, 6) == "/token") return http_response(200, {}, R"({"token":"T1"})");
    if (request.header("authorization") == "Bearer T1") return http_response(200, {manifest_header}, manifest_text);
    return http_response(401,
                         {"WWW-Authenticate: Bearer realm=\"" + self->url("/token") +
                          "\",service=\"svc\",scope=\"repository:other/secret:push\""},
                         "");
  }};
  self = &server;
  Pull pull{server};
  pull.options.credentials = "me:pass";
  const auto source = pull.open();
  source->root_manifest();
  source->root_manifest();
  const auto requests = server.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[0].header("authorization").empty());
  CHECK(requests[1].target == "/token?account=me&scope=repository%3alib%2fapp%3apull&service=svc");
  CHECK(requests[1].header("authorization") == "Basic " + registry::base64_encode("me:pass"));
  CHECK(requests[2].header("authorization") == "Bearer T1");
  CHECK(requests[3].header("authorization") == "Bearer T1");
}

TEST_CASE("an expired token is replaced in the middle of a pull") {
  int tokens = 0;
  LoopbackServer* self = nullptr;
  LoopbackServer server{[&](const SeenRequest& request) {
    if (request.target.substr(0, 6) == "/token")
      return http_response(200, {}, base::concat(R"({"token":"T)", ++tokens, "\"}"));
    const bool is_blob = holds(request.target, "/blobs/");
    if (request.header("authorization") == (is_blob ? "Bearer T2" : "Bearer T1"))
      return is_blob ? http_response(200, {}, "blob") : http_response(200, {manifest_header}, manifest_text);
    return http_response(401, {"WWW-Authenticate: Bearer realm=\"" + self->url("/token") + "\""}, "");
  }};
  self = &server;
  Pull pull{server};
  const auto source = pull.open();
  source->root_manifest();
  base::StringSink sink{10};
  source->blob(describe("blob"), sink, 0);
  CHECK(sink.take() == "blob");
  CHECK(tokens == 2);
}

TEST_CASE("an identity token is exchanged with a form and never in the URL") {
  LoopbackServer* self = nullptr;
  LoopbackServer server{[&](const SeenRequest& request) {
    if (request.target.substr(0, 6) == "/token") return http_response(200, {}, R"({"access_token":"T1"})");
    if (request.header("authorization") == "Bearer T1") return http_response(200, {manifest_header}, manifest_text);
    return http_response(401, {"WWW-Authenticate: Bearer realm=\"" + self->url("/token") + "\",service=svc"}, "");
  }};
  self = &server;
  const base::TempDir dir;
  base::write_file_atomically(dir.fd(), "auth.json",
                              R"({"auths":{")" + server.host() + R"(":{"identitytoken":"I D"}}})");
  Pull pull{server};
  pull.options.auth_file = dir.path() + "/auth.json";
  CHECK(pull.manifest_failure().empty());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].method == "POST");
  CHECK(requests[1].target == "/token");
  CHECK(holds(requests[1].body, "grant_type=refresh_token"));
  CHECK(holds(requests[1].body, "refresh_token=I%20D"));
  CHECK(requests[1].header("authorization").empty());
}

TEST_CASE("a plain login is sent after it was asked for, and a refused one is not repeated") {
  std::string wanted = "Basic " + registry::base64_encode("me:pass");
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.header("authorization") == wanted) return http_response(200, {manifest_header}, manifest_text);
    return http_response(401, {"WWW-Authenticate: Basic realm=\"r\""}, "");
  }};
  Pull pull{server};
  CHECK(holds(pull.manifest_failure(), "wants a user name"));
  CHECK(server.requests()[0].header("authorization").empty());
  pull.options.credentials = "me:pass";
  CHECK(pull.manifest_failure().empty());
  const std::size_t before = server.requests().size();
  pull.options.credentials = "me:wrong";
  CHECK(holds(pull.manifest_failure(), "denied"));
  CHECK(server.requests().size() == before + 2);
  CHECK(pull.waits.empty());
}

TEST_CASE("a token server on another host is not asked by a registry without TLS") {
  const LoopbackServer other{[](const SeenRequest&) { return http_response(200, {}, R"({"token":"T"})"); }};
  const LoopbackServer server{[&](const SeenRequest&) {
    return http_response(
        401, {base::concat("WWW-Authenticate: Bearer realm=\"http://localhost:", other.port(), "/token\"")}, "");
  }};
  Pull pull{server};
  pull.options.credentials = "me:pass";
  CHECK(holds(pull.manifest_failure(), "refused"));
  CHECK(other.requests().empty());
}

TEST_CASE("hostile challenges and token answers end in an error") {
  std::string challenge, token_answer;
  LoopbackServer* self = nullptr;
  LoopbackServer server{[&](const SeenRequest& request) {
    if (request.target.substr(0, 6) == "/token") return token_answer;
    return http_response(401, {"WWW-Authenticate: " + challenge}, "");
  }};
  self = &server;
  Pull pull{server};
  challenge = "Bearer realm=\"" + std::string(20'000, 'a') + "\"";
  CHECK(holds(pull.manifest_failure(), "too long"));
  challenge = "Bearer realm=\"http://u:p@127.0.0.1/\"";
  CHECK(holds(pull.manifest_failure(), "user information"));
  challenge = "Bearer service=x";
  CHECK_FALSE(pull.manifest_failure().empty());
  challenge = "Bearer realm=\"" + self->url("/token") + "\"";
  token_answer = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{";
  CHECK(holds(pull.manifest_failure(), "longer than"));
  token_answer = http_response(200, {}, R"({"token":"a\nb"})");
  CHECK_FALSE(pull.manifest_failure().empty());
  token_answer = http_response(200, {}, R"({"token":"useless"})");
  CHECK(holds(pull.manifest_failure(), "denied"));
}

TEST_CASE("mirrors are tried in order, then the registry itself") {
  const LoopbackServer broken{[](const SeenRequest&) { return http_response(404, {}, ""); }};
  const LoopbackServer mirror{[](const SeenRequest& request) {
    return holds(request.target, "/blobs/") ? http_response(404, {}, "")
                                            : http_response(200, {manifest_header}, manifest_text);
  }};
  const LoopbackServer primary{[](const SeenRequest&) { return http_response(200, {}, "blob"); }};
  const base::TempDir dir;
  base::write_file_atomically(dir.fd(), "r.conf",
                              base::concat("[[registry]]\nlocation = \"", primary.host(),
                                           "\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"", broken.host(),
                                           "\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"", mirror.host(),
                                           "/cache\"\ninsecure = true\n"));
  Pull pull{primary};
  pull.options.tls_verify = std::nullopt;
  pull.options.registries_conf = {dir.path() + "/r.conf"};
  const auto source = pull.open();
  CHECK(source->root_manifest().bytes == manifest_text);
  CHECK(source->suggested_name() == primary.host() + "/lib/app:v1");
  base::StringSink sink{10};
  source->blob(describe("blob"), sink, 0);
  CHECK(sink.take() == "blob");
  CHECK(broken.requests().size() == 1);
  REQUIRE(mirror.requests().size() == 2);
  CHECK(mirror.requests()[0].target == "/v2/cache/lib/app/manifests/v1");
  REQUIRE(primary.requests().size() == 1);
  CHECK(holds(primary.requests()[0].target, "/v2/lib/app/blobs/sha256:"));
}

TEST_CASE("--creds goes to the registry that was named and never to its mirror") {
  const auto ask = [](const SeenRequest& request) {
    return request.header("authorization").empty() ? http_response(401, {"WWW-Authenticate: Basic"}, "")
                                                   : http_response(200, {manifest_header}, manifest_text);
  };
  const LoopbackServer mirror{ask};
  const LoopbackServer primary{ask};
  const base::TempDir dir;
  base::write_file_atomically(dir.fd(), "r.conf",
                              base::concat("[[registry]]\nlocation = \"", primary.host(),
                                           "\"\n[[registry.mirror]]\nlocation = \"", mirror.host(), "\"\n"));
  Pull pull{primary};
  pull.options.registries_conf = {dir.path() + "/r.conf"};
  pull.options.credentials = "me:pass";
  CHECK(pull.manifest_failure().empty());
  REQUIRE(mirror.requests().size() == 1);
  CHECK(mirror.requests()[0].header("authorization").empty());
  CHECK(primary.requests().size() == 2);
}
