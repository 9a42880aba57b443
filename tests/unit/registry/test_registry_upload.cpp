#include <algorithm>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "loopback_server.hpp"
#include "registry/open_destination.hpp"
#include "registry/registry_destination.hpp"
#include "registry/upload.hpp"

using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

constexpr std::size_t piece_bytes = 16 * 1024 * 1024;
const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";

oci::Descriptor describe(std::string_view bytes) {
  return {.media_type = "application/vnd.oci.image.layer.v1.tar",
          .digest = base::sha256(bytes),
          .size_bytes = bytes.size()};
}

/// One blob, in writes of a size that pieces do not divide by.
class BlobInMemory final : public registry::ImageSource {
 public:
  explicit BlobInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  registry::ManifestBytes root_manifest() override { throw base::Error(base::ErrorKind::internal, "unused"); }
  registry::ManifestBytes manifest(const oci::Descriptor&) override { return root_manifest(); }
  void blob(const oci::Descriptor&, base::Sink& sink, std::uint64_t offset) override {
    for (std::size_t at = offset; at < bytes_.size(); at += 999'983)
      sink.write(std::string_view{bytes_}.substr(at, 999'983));
  }
  std::string suggested_name() const override { return {}; }

 private:
  std::string bytes_;
};

/// A destination at "SERVER/team/app:v1" that notes its waits instead of sleeping.
struct Push {
  explicit Push(const LoopbackServer& server) : name(server.host() + "/team/app:v1") { options.tls_verify = false; }
  std::unique_ptr<registry::ImageDestination> open() {
    return registry::open_docker_destination(oci::Reference::parse(name), options, places,
                                             [this](std::chrono::milliseconds time) { waits.push_back(time.count()); });
  }
  /// What goes wrong when `bytes` are put under the digest of `promised`.
  std::string failure(const std::string& bytes, const std::string& promised) {
    BlobInMemory source(bytes);
    try {
      open()->put_blob(describe(promised), source);
    } catch (const base::Error& error) {
      return error.message() + "; " + error.hint();
    }
    return {};
  }
  std::string failure(const std::string& bytes) { return failure(bytes, bytes); }
  std::string name;
  registry::RegistryOptions options;
  registry::BlobPlaces places;
  std::vector<long long> waits;
};

std::string accepted(const std::string& location, std::vector<std::string> headers = {}) {
  headers.push_back("Location: " + location);
  return http_response(202, headers, "");
}

std::string some_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  return bytes;
}

std::string methods_of(const LoopbackServer& server) {
  std::string text;
  for (const SeenRequest& request : server.requests()) text += request.method + " ";
  return text;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("how much a registry has is read from its Range") {
  CHECK(registry::received_bytes("0-1023") == 1024);
  CHECK(registry::received_bytes(" bytes=0-9 ") == 10);
  CHECK(registry::received_bytes("0-0") == 0);
  for (const char* bad : {"", "-", "5-9", "0-", "0-x", "0-18446744073709551615", "0", "bytes 0-9/10"}) {
    CAPTURE(bad);
    CHECK_FALSE(registry::received_bytes(bad));
  }
}

TEST_CASE("a blob is looked for, and goes there in one request") {
  const std::string bytes = some_bytes(2'000'000);
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.method == "HEAD") return http_response(404, {}, "");
    if (request.method == "POST") return accepted("/v2/team/app/blobs/uploads/1?state=x");
    return http_response(201, {}, "");
  }};
  Push push{server};
  const auto destination = push.open();
  BlobInMemory source(bytes);
  CHECK_FALSE(destination->has_blob(describe(bytes)));
  destination->put_blob(describe(bytes), source);
  CHECK(methods_of(server) == "HEAD POST PUT ");
  const SeenRequest put = server.requests().back();
  CHECK(put.target == "/v2/team/app/blobs/uploads/1?state=x&digest=sha256%3a" + std::string{base::sha256(bytes).hex()});
  CHECK(put.body == bytes);
  CHECK(put.header("content-type") == "application/octet-stream");
}

TEST_CASE("a blob of another repository of the same registry is mounted") {
  const std::string bytes = "layer";
  const LoopbackServer server{[&](const SeenRequest& request) {
    return request.method == "HEAD" ? http_response(404, {}, "") : http_response(201, {}, "");
  }};
  Push push{server};
  push.places[base::sha256(bytes)] = {"elsewhere.example/base", server.host() + "/team/base"};
  CHECK(push.open()->has_blob(describe(bytes)));
  CHECK(server.requests().back().target ==
        "/v2/team/app/blobs/uploads/?mount=sha256%3a" + std::string{base::sha256(bytes).hex()} + "&from=team%2fbase");
}

TEST_CASE("an upload that a registry opened instead of mounting is used") {
  const std::string bytes = "layer";
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.method == "HEAD") return http_response(404, {}, "");
    return request.method == "POST" ? accepted("/upload/7") : http_response(201, {}, "");
  }};
  Push push{server};
  push.places[base::sha256(bytes)] = {server.host() + "/team/base"};
  const auto destination = push.open();
  BlobInMemory source(bytes);
  CHECK_FALSE(destination->has_blob(describe(bytes)));
  destination->put_blob(describe(bytes), source);
  CHECK(methods_of(server) == "HEAD POST PUT ");
}

TEST_CASE("after a cut only what the registry does not have is sent") {
  const std::string bytes = some_bytes(piece_bytes + 5'000'000);
  std::string arrived;
  const LoopbackServer server{[&](const SeenRequest& request) -> std::string {
    if (request.method == "POST") return accepted("/upload/1");
    if (request.method == "PUT" && !request.body.empty()) {
      arrived = request.body.substr(0, 3'000'001);
      return {};  // cut
    }
    const std::string range = "Range: 0-" + std::to_string(arrived.size() - 1);
    if (request.method == "GET") return http_response(204, {range, "Location: /upload/2"}, "");
    if (request.method == "PUT") return http_response(201, {}, "");
    CHECK(request.header("content-range") ==
          std::to_string(arrived.size()) + "-" + std::to_string(arrived.size() + request.body.size() - 1));
    arrived += request.body;
    return accepted("/upload/3", {"Range: 0-" + std::to_string(arrived.size() - 1)});
  }};
  Push push{server};
  CHECK(push.failure(bytes) == "");
  CHECK(methods_of(server) == "POST PUT GET PATCH PATCH PUT ");
  CHECK(arrived == bytes);
  CHECK(push.waits == std::vector<long long>{500});
}

TEST_CASE("when the registry has forgotten the upload, another one begins, in pieces") {
  const std::string bytes = some_bytes(3'000'000);
  unsigned puts = 0;
  const LoopbackServer server{[&](const SeenRequest& request) -> std::string {
    if (request.method == "POST") return accepted("/upload/1");
    if (request.method == "PUT")
      return ++puts == 1 ? http_response(503, {"Retry-After: 2"}, "") : http_response(201, {}, "");
    if (request.method == "GET") return http_response(404, {}, "");
    CHECK(request.body == bytes);
    return accepted("/upload/1", {"Range: 0-2999999"});
  }};
  Push push{server};
  CHECK(push.failure(bytes) == "");
  CHECK(methods_of(server) == "POST PUT GET POST PATCH PUT ");
  CHECK(push.waits == std::vector<long long>{2000});
}

TEST_CASE("a registry that takes only little at once gets pieces, and one that takes no pieces the whole") {
  const std::string bytes = some_bytes(3'000'000);
  const LoopbackServer little{[&](const SeenRequest& request) {
    if (request.method == "POST") return accepted("/upload/1");
    if (request.method == "PATCH") return accepted("/upload/1", {"Range: 0-2999999"});
    return http_response(request.body.empty() ? 201 : 413, {}, "");
  }};
  Push push{little};
  CHECK(push.failure(bytes) == "");
  CHECK(methods_of(little) == "POST PUT POST PATCH PUT ");

  unsigned puts = 0;
  const LoopbackServer whole{[&](const SeenRequest& request) -> std::string {
    if (request.method == "POST") return accepted("/upload/1");
    if (request.method == "GET" || request.method == "PATCH") return http_response(405, {}, "");
    return ++puts == 1 ? std::string{} : http_response(201, {}, "");
  }};
  Push again{whole};
  CHECK(again.failure(bytes) == "");
  CHECK(methods_of(whole) == "POST PUT GET POST PATCH POST PUT ");
}

TEST_CASE("bytes that are damaged here are not blamed on the registry") {
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.method == "POST") return accepted("/upload/1");
    return http_response(400, {}, R"({"errors":[{"code":"DIGEST_INVALID","message":"digest did not match"}]})");
  }};
  Push push{server};
  CHECK(holds(push.failure("other", "bytes"), "damaged"));
  CHECK(holds(push.failure("bytes"), "digest did not match"));
  CHECK(holds(push.failure("too short", "promised bytes"), "does not have the promised"));
}

TEST_CASE("credentials do not follow an upload to another origin") {
  const LoopbackServer storage{[](const SeenRequest&) { return http_response(201, {}, ""); }};
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.header("authorization").empty()) return http_response(401, {"WWW-Authenticate: Basic realm=\"x\""}, "");
    return accepted(storage.url("/bucket?signature=y"));
  }};
  Push push{server};
  push.options.credentials = "ann:s3cret";
  CHECK(push.failure("bytes") == "");
  REQUIRE(storage.requests().size() == 1);
  CHECK(storage.requests().front().header("authorization") == "");
  CHECK(storage.requests().front().body == "bytes");
}

TEST_CASE("a token that ends in the middle of an upload is asked for again") {
  unsigned tokens = 0;
  std::string puts;
  const LoopbackServer server{[&](const SeenRequest& request) {
    if (request.target.substr(0, 6) == "/token")
      return http_response(200, {}, "{\"token\":\"t" + std::to_string(++tokens) + "\"}");
    const bool is_good = request.header("authorization") == (request.method == "PUT" ? "Bearer t2" : "Bearer t1");
    if (request.method == "PUT") puts += request.header("authorization") + ", ";
    if (!is_good)
      return http_response(401, {"WWW-Authenticate: Bearer realm=\"http://" + request.header("host") + "/token\""}, "");
    return request.method == "POST" ? accepted("/upload/1") : http_response(201, {}, "");
  }};
  Push push{server};
  CHECK(push.failure("bytes") == "");
  CHECK(puts == "Bearer t1, Bearer t2, ");
  const auto requests = server.requests();
  const auto token = std::find_if(requests.begin(), requests.end(),
                                  [](const SeenRequest& request) { return holds(request.target, "/token"); });
  CHECK(holds(token->target, "scope=repository%3ateam%2fapp%3apull%2cpush"));
}

TEST_CASE("the root manifest goes to the tag at the end, byte for byte") {
  const std::string bytes = R"({"schemaVersion": 2 })";
  const registry::ManifestBytes root{bytes, manifest_type, base::sha256(bytes)};
  std::string answered = root.digest.text();
  const LoopbackServer server{
      [&](const SeenRequest&) { return http_response(201, {"Docker-Content-Digest: " + answered}, ""); }};
  Push push{server};
  const auto destination = push.open();
  destination->put_root(root);
  CHECK(server.requests().empty());
  destination->commit();
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests().front().target == "/v2/team/app/manifests/v1");
  CHECK(server.requests().front().header("content-type") == manifest_type);
  CHECK(server.requests().front().body == bytes);
  answered = base::sha256("other").text();
  CHECK_THROWS_AS(destination->commit(), base::Error);
}

TEST_CASE("who may not push is told to log in") {
  const LoopbackServer server{[](const SeenRequest&) {
    return http_response(403, {}, R"({"errors":[{"code":"DENIED","message":"quota exceeded"}]})");
  }};
  Push push{server};
  const std::string failure = push.failure("bytes");
  CHECK(holds(failure, "quota exceeded"));
  CHECK(holds(failure, "engine login " + server.host()));
}

TEST_CASE("a repository that may not be read is no reason to fail: its layers are sent") {
  const LoopbackServer server{[](const SeenRequest& request) {
    if (holds(request.target, "from=")) return http_response(401, {"WWW-Authenticate: Basic realm=\"x\""}, "");
    if (request.method == "HEAD") return http_response(404, {}, "");
    return request.method == "POST" ? accepted("/upload/1") : http_response(201, {}, "");
  }};
  Push push{server};
  for (const char* bytes : {"one", "two"}) push.places[base::sha256(bytes)] = {server.host() + "/private/base"};
  const auto destination = push.open();
  for (const char* bytes : {"one", "two"}) {
    BlobInMemory source(bytes);
    CHECK_FALSE(destination->has_blob(describe(bytes)));
    destination->put_blob(describe(bytes), source);
  }
  CHECK(methods_of(server) == "HEAD POST POST PUT HEAD POST PUT ");  // asked once, and not again
}
