#include <algorithm>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "loopback_server.hpp"
#include "registry/tags.hpp"

using registry::next_link_of;
using registry::Repository;
using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

Repository open_repository(const LoopbackServer& server, const registry::RegistryOptions& options) {
  return Repository(oci::Reference::parse(server.host() + "/lib/app"), options, Repository::Use::reading,
                    [](std::chrono::milliseconds) {});
}

registry::RegistryOptions insecure(unsigned retries = 0) {
  registry::RegistryOptions options;
  options.tls_verify = false;
  options.retries = retries;
  return options;
}

std::vector<std::string> tags_of(const LoopbackServer& server, std::size_t limit = 0, unsigned retries = 0) {
  const registry::RegistryOptions options = insecure(retries);
  Repository repository = open_repository(server, options);
  return registry::list_tags(repository, limit);
}

/// "first" to "first + count - 1" as a page.
std::string page(unsigned first, unsigned count) {
  std::string tags;
  for (unsigned i = first; i < first + count; ++i) tags += base::concat(i == first ? "" : ",", '"', "t", i, '"');
  return base::concat(R"({"name":"lib/app","tags":[)", tags, "]}");
}

}  // namespace

TEST_CASE("the next page is the target of the link that says so") {
  CHECK(next_link_of("</v2/a/tags/list?n=2&last=b>; rel=\"next\"") == "/v2/a/tags/list?n=2&last=b");
  CHECK(next_link_of("</prev>; rel=\"prev\", </next>; title=x; REL=next") == "/next");
  for (const char* none : {"", "<", "</x>", "</x>; rel=prev", "/x; rel=next", "</x; rel=next", "</x>; rel"}) {
    CAPTURE(none);
    CHECK(next_link_of(none).empty());
  }
}

TEST_CASE("tags are collected over pages that links name") {
  LoopbackServer server([](const SeenRequest& request) {
    if (request.target.find("last=") == std::string::npos)
      return http_response(200, {"Link: </v2/lib/app/tags/list?n=2&last=t2>; rel=\"next\""}, page(1, 2));
    return http_response(200, {}, page(3, 1));
  });
  CHECK(tags_of(server) == std::vector<std::string>{"t1", "t2", "t3"});
  CHECK(server.requests().back().target == "/v2/lib/app/tags/list?n=2&last=t2");
}

TEST_CASE("a full page without a link is followed by asking for what comes after it") {
  LoopbackServer server([](const SeenRequest& request) {
    if (request.target.find("last=t1000") != std::string::npos) return http_response(200, {}, page(1001, 2));
    return http_response(200, {}, page(1, 1000));
  });
  CHECK(tags_of(server).size() == 1002);
}

TEST_CASE("a registry that sends its first page for ever is not asked for ever") {
  LoopbackServer server([](const SeenRequest&) {
    return http_response(200, {"Link: </v2/lib/app/tags/list?n=1000&last=x>; rel=\"next\""}, page(1, 1000));
  });
  CHECK(tags_of(server).size() == 1000);
  CHECK(server.requests().size() <= 3);
}

TEST_CASE("no more pages are fetched than the limit needs") {
  LoopbackServer server([](const SeenRequest&) {
    return http_response(200, {"Link: </v2/lib/app/tags/list?n=2&last=t2>; rel=\"next\""}, page(1, 2));
  });
  CHECK(tags_of(server, 1) == std::vector<std::string>{"t1"});
  const auto requests = server.requests();
  CHECK(std::count_if(requests.begin(), requests.end(),
                      [](const SeenRequest& request) { return request.method == "GET"; }) == 1);
}

TEST_CASE("a next page at another origin, and names that cannot be, are refused") {
  LoopbackServer elsewhere([](const SeenRequest&) {
    return http_response(200, {"Link: <http://127.0.0.2:1/x>; rel=\"next\""}, page(1, 1));
  });
  CHECK_THROWS_AS(tags_of(elsewhere), base::Error);
  LoopbackServer odd([](const SeenRequest&) { return http_response(200, {}, R"({"tags":["a\nb"]})"); });
  CHECK_THROWS_AS(tags_of(odd), base::Error);
}

TEST_CASE("a repository without tags has an empty list") {
  LoopbackServer server([](const SeenRequest&) { return http_response(200, {}, R"({"name":"x","tags":null})"); });
  CHECK(tags_of(server).empty());
}

TEST_CASE("what may pass is asked again, what is not there is not") {
  unsigned failures = 2;
  LoopbackServer server([&](const SeenRequest&) {
    if (failures > 0) return --failures, http_response(503, {}, "");
    return http_response(200, {}, page(1, 1));
  });
  CHECK(tags_of(server, 0, 3) == std::vector<std::string>{"t1"});
  LoopbackServer empty([](const SeenRequest&) { return http_response(404, {}, ""); });
  try {
    tags_of(empty, 0, 3);
    FAIL("no error");
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::ErrorKind::not_found);
  }
}
