#include <atomic>
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "loopback_server.hpp"
#include "registry/http_client.hpp"

using registry::HttpClient;
using registry::HttpRequest;
using registry::HttpResponse;
using registry::parse_url;
using registry_test::http_response;
using registry_test::LoopbackServer;
using registry_test::SeenRequest;

namespace {

HttpRequest request_for(const std::string& url) {
  HttpRequest request;
  request.url = parse_url(url);
  return request;
}

std::string failure_of(const HttpRequest& request) {
  HttpClient client{{}};
  try {
    client.send(request).read_all(1000, "body");
  } catch (const base::Error& error) {
    return error.message();
  }
  return {};
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a response has a status, headers and a body") {
  const LoopbackServer server{[](const SeenRequest&) {
    return http_response(201, {"X-One: a", "x-one:  b ", "Content-Type: text/plain; charset=utf-8"}, "hello");
  }};
  HttpClient client{{.user_agent = "tester/1"}};
  HttpRequest request = request_for(server.url("/path?query"));
  request.headers = {"Accept: x/y"};
  HttpResponse response = client.send(request);
  CHECK(response.status() == 201);
  CHECK(response.header("x-one") == "b");
  CHECK(response.headers("x-one") == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(response.header("absent"));
  CHECK(response.content_length() == 5);
  CHECK(response.read_all(5, "body") == "hello");
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target == "/path?query");
  CHECK(server.requests()[0].header("accept") == "x/y");
  CHECK(server.requests()[0].header("user-agent") == "tester/1");
  CHECK(server.requests()[0].header("accept-encoding").empty());
}

TEST_CASE("a body may not be longer than allowed, announced or not") {
  const LoopbackServer announced{[](const SeenRequest&) { return http_response(200, {}, "123456"); }};
  const LoopbackServer silent{
      [](const SeenRequest&) { return std::string{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n123456"}; }};
  HttpClient client{{}};
  for (const LoopbackServer* server : {&announced, &silent}) {
    CHECK(client.send(request_for(server->url("/"))).read_all(6, "body") == "123456");
    HttpResponse response = client.send(request_for(server->url("/")));
    CHECK_THROWS_AS(response.read_all(5, "body"), base::Error);
  }
}

TEST_CASE("a body that ends before its announced length is a failure that may pass") {
  const LoopbackServer server{
      [](const SeenRequest&) { return std::string{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"}; }};
  HttpClient client{{}};
  HttpResponse response = client.send(request_for(server.url("/")));
  try {
    response.read_all(1000, "body");
    FAIL("taken for whole");
  } catch (const base::Error& error) {
    CHECK(registry::is_transient(error));
  }
}

TEST_CASE("credentials stay with their origin across redirects") {
  const LoopbackServer elsewhere{[](const SeenRequest&) { return http_response(200, {}, "there"); }};
  const LoopbackServer registry{[&](const SeenRequest& request) {
    if (request.target == "/same") return http_response(307, {"Location: /end", "Set-Cookie: a=b"}, "");
    if (request.target == "/end") return http_response(200, {}, "here");
    return http_response(307, {"Location: " + elsewhere.url("/blob"), "Set-Cookie: a=b"}, "moved");
  }};
  HttpClient client{{}};
  HttpRequest request = request_for(registry.url("/same"));
  request.authorization = "Bearer secret";
  CHECK(client.send(request).read_all(10, "body") == "here");
  for (const SeenRequest& seen : registry.requests()) {
    CHECK(seen.header("authorization") == "Bearer secret");
    CHECK(seen.header("cookie").empty());
  }
  request.url = parse_url(registry.url("/away"));
  HttpResponse response = client.send(request);
  CHECK(response.read_all(10, "body") == "there");
  CHECK(response.url().text() == elsewhere.url("/blob"));
  REQUIRE(elsewhere.requests().size() == 1);
  CHECK(elsewhere.requests()[0].header("authorization").empty());
  CHECK(elsewhere.requests()[0].header("cookie").empty());
}

TEST_CASE("credentials do not come back after a redirect has left the origin") {
  std::string home;
  const LoopbackServer elsewhere{[&](const SeenRequest&) { return http_response(302, {"Location: " + home}, ""); }};
  const LoopbackServer registry{[&](const SeenRequest& request) {
    if (request.target == "/end") return http_response(200, {}, request.header("authorization"));
    return http_response(302, {"Location: " + elsewhere.url("/")}, "");
  }};
  home = registry.url("/end");
  HttpClient client{{}};
  HttpRequest request = request_for(registry.url("/"));
  request.authorization = "Bearer secret";
  CHECK(client.send(request).read_all(100, "body").empty());
}

TEST_CASE("bad redirects end in one clear error") {
  struct Row {
    const char* target;
    const char* part;
  };
  const Row rows[] = {
      {"/loop", "redirects more than 10 times"},
      {"/none", "without a Location"},
      {"/ftp", "neither http nor https"},
      {"/user", "user information"},
      {"/file", "redirect from"},
      {"/blank", "no URL may hold"},
  };
  const LoopbackServer server{[](const SeenRequest& request) {
    if (request.target == "/none") return http_response(302, {}, "");
    if (request.target == "/ftp") return http_response(302, {"Location: ftp://h/x"}, "");
    if (request.target == "/file") return http_response(302, {"Location: file:///etc/passwd"}, "");
    if (request.target == "/user") return http_response(302, {"Location: http://u:p@h/x"}, "");
    if (request.target == "/blank") return http_response(302, {"Location: /a\x01\x62"}, "");
    return http_response(302, {"Location: /loop"}, "");
  }};
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const std::string message = failure_of(request_for(server.url(row.target)));
    CAPTURE(message);
    CHECK(holds(message, row.part));
  }
  CHECK(server.requests().size() == registry::max_redirects + 1 + 5);
}

TEST_CASE("a form is posted, and its redirect is not followed") {
  const LoopbackServer server{[](const SeenRequest& request) {
    return http_response(307, {"Location: /again"}, request.method + " " + request.body);
  }};
  HttpClient client{{}};
  HttpRequest request = request_for(server.url("/token"));
  request.form = "a=b&c=d";
  HttpResponse response = client.send(request);
  CHECK(response.status() == 307);
  CHECK(response.read_all(100, "body") == "POST a=b&c=d");
  CHECK(server.requests().size() == 1);
}

TEST_CASE("too many header bytes are refused") {
  const LoopbackServer server{[](const SeenRequest&) {
    std::vector<std::string> headers;
    for (int count = 0; count < 20; ++count) headers.push_back("X-Long: " + std::string(8000, 'a'));
    return http_response(200, headers, "");
  }};
  CHECK(holds(failure_of(request_for(server.url("/"))), "too many header bytes"));
}

TEST_CASE("interim responses are skipped") {
  const LoopbackServer server{[](const SeenRequest&) {
    return "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n" + http_response(200, {"X-B: late"}, "body");
  }};
  HttpClient client{{}};
  HttpResponse response = client.send(request_for(server.url("/")));
  CHECK(response.status() == 200);
  CHECK_FALSE(response.header("x-a"));
  CHECK(response.header("x-b") == "late");
}

TEST_CASE("a server that refuses or does not speak TLS is told apart") {
  std::uint16_t port = 0;
  {
    const LoopbackServer gone{[](const SeenRequest&) { return std::string{}; }};
    port = gone.port();
  }
  HttpClient client{{}};
  try {
    client.send(request_for(base::concat("http://127.0.0.1:", port, "/")));
    FAIL("nobody listens there");
  } catch (const base::Error& error) {
    CHECK(holds(error.message(), "cannot connect to"));
    CHECK_FALSE(error.hint().empty());
    CHECK_FALSE(registry::is_transient(error));
    CHECK(registry::may_speak_plain_http(error));
  }
  const LoopbackServer plain{[](const SeenRequest&) { return http_response(200, {}, ""); }};
  try {
    client.send(request_for("https://" + plain.host() + "/"));
    FAIL("it does not speak TLS");
  } catch (const base::Error& error) {
    CHECK(registry::may_speak_plain_http(error));
  }
}

TEST_CASE("several threads send at once, and a half-read response does no harm") {
  const LoopbackServer server{
      [](const SeenRequest& request) { return http_response(200, {}, request.target + std::string(100'000, 'x')); }};
  HttpClient client{{}};
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (int round = 0; round < 5; ++round) {
        const std::string target = base::concat("/", number, "-", round);
        HttpResponse response = client.send(request_for(server.url(target)));
        if (round == 2) continue;
        if (response.read_all(200'000, "body") == target + std::string(100'000, 'x')) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 16);
}
