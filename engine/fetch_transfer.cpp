#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "engine/fetch.hpp"
#include "registry/http_client.hpp"

// What engine-transfer does for fetch_file.

namespace engine {

namespace {

constexpr std::chrono::seconds patience{60};

std::string download(const Engine& engine, const std::string& url) {
  registry::HttpClient client({.limits = engine.config.network});
  registry::HttpRequest request;
  request.url = registry::parse_url(url);
  request.deadline = patience;
  registry::HttpResponse response = client.send(request);
  if (response.status() != 200)
    throw base::make_error(response.status() == 404 ? base::ErrorKind::not_found : base::ErrorKind::network,
                           "the server answered ", response.status());
  return response.read_all(max_fetched_bytes, "the file");
}

}  // namespace

int fetch_for_parent(Engine& engine, const std::string& url) {
  const std::string bytes =
      base::with_context([&] { return download(engine, url); }, "downloading ", base::quoted(url));
  base::write_all(STDOUT_FILENO, bytes);
  return 0;
}

}  // namespace engine
