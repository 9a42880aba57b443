#include <algorithm>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "loopback_server.hpp"
#include "registry/referrers.hpp"
#include "registry/remote_manifest.hpp"

using registry::Repository;
using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

const base::Digest subject = base::sha256("subject");
const std::string index_type = "Content-Type: application/vnd.oci.image.index.v1+json";

struct Remote {
  explicit Remote(const LoopbackServer& server)
      : repository(oci::Reference::parse(server.host() + "/lib/app"), insecure(), Repository::Use::changing) {}
  static registry::RegistryOptions insecure() {
    registry::RegistryOptions options;
    options.tls_verify = false;
    options.retries = 0;
    return options;
  }
  Repository repository;
};

std::string entry(std::string_view bytes, std::string_view type) {
  return base::concat(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")", base::sha256(bytes),
                      R"(","size":)", bytes.size(), R"(,"artifactType":")", type, R"("})");
}

std::string index_of(const std::string& entries) {
  return base::concat(R"({"schemaVersion":2,"manifests":[)", entries, "]}");
}

}  // namespace

TEST_CASE("referrers come from the API, over its pages") {
  LoopbackServer server([](const SeenRequest& request) {
    if (request.target.find("page=2") != std::string::npos)
      return http_response(200, {index_type}, index_of(entry("b", "text/b")));
    return http_response(200,
                         {index_type, base::concat("Link: </v2/lib/app/referrers/", subject, "?page=2>; rel=\"next\"")},
                         index_of(entry("a", "text/a")));
  });
  Remote remote(server);
  const registry::Referrers found = registry::list_referrers(remote.repository, subject);
  CHECK(found.has_api);
  REQUIRE(found.entries.size() == 2);
  CHECK(found.entries[0].artifact_type == "text/a");
  CHECK(found.entries[1].descriptor.digest == base::sha256("b"));
}

TEST_CASE("without the API they come from the tag that stands in for it") {
  LoopbackServer server([](const SeenRequest& request) {
    if (request.target.find("/manifests/sha256-") == std::string::npos) return http_response(404, {}, "");
    return http_response(200, {index_type}, index_of(entry("a", "text/a")));
  });
  Remote remote(server);
  const registry::Referrers found = registry::list_referrers(remote.repository, subject);
  CHECK_FALSE(found.has_api);
  REQUIRE(found.entries.size() == 1);
  CHECK(server.requests().back().target == base::concat("/v2/lib/app/manifests/sha256-", subject.hex()));
}

TEST_CASE("no list anywhere is an empty one") {
  LoopbackServer server([](const SeenRequest&) { return http_response(404, {}, ""); });
  Remote remote(server);
  CHECK(registry::list_referrers(remote.repository, subject).entries.empty());
}

TEST_CASE("the index that we write for it is read as it was meant") {
  const auto entries = registry::parse_referrers(index_of(entry("a", "text/a") + "," + entry("b", "")), "test");
  const registry::ManifestBytes index = registry::referrers_index(entries);
  CHECK(index.digest == base::sha256(index.bytes));
  const auto again = registry::parse_referrers(index.bytes, "test");
  REQUIRE(again.size() == 2);
  CHECK(again[0].artifact_type == "text/a");
  CHECK(again[1].descriptor.digest == entries[1].descriptor.digest);
}

TEST_CASE("a head tells the digest, or nothing") {
  std::string digest = subject.text();
  int status = 200;
  LoopbackServer server([&](const SeenRequest&) {
    return http_response(status, {"Content-Type: application/x; charset=utf-8", "Docker-Content-Digest: " + digest},
                         "");
  });
  Remote remote(server);
  const auto head = registry::head_manifest(remote.repository, "1");
  REQUIRE(head);
  CHECK(head->digest == subject);
  CHECK(head->media_type == "application/x");
  CHECK(server.requests().back().method == "HEAD");
  digest = "sha512:1234";
  CHECK_FALSE(registry::head_manifest(remote.repository, "1"));
  digest = subject.text();
  status = 404;
  CHECK_FALSE(registry::head_manifest(remote.repository, "1"));
}

TEST_CASE("deleting where it is not permitted is unsupported, with a hint") {
  LoopbackServer server([](const SeenRequest&) { return http_response(405, {}, ""); });
  Remote remote(server);
  try {
    registry::delete_manifest(remote.repository, subject);
    FAIL("no error");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::unsupported);
    CHECK_FALSE(error.hint().empty());
  }
  CHECK(server.requests().back().method == "DELETE");
  CHECK_FALSE(registry::delete_tag(remote.repository, "1"));
}
