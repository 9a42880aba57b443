#include "engine/serve.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <poll.h>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "base/oci/reference.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "engine/remote_source.hpp"
#include "engine/serve_answers.hpp"
#include "engine/serve_cache.hpp"
#include "engine/serve_store.hpp"
#include "registry/http_server.hpp"
#include "registry/url.hpp"

namespace engine {
namespace {

constexpr std::size_t max_pem_bytes = 1024 * 1024;

/// "127.0.0.1:5000", "[::1]:5000", ":5000", "5000".
void parse_place(const std::string& text, registry::ServerSettings& settings) {
  const std::size_t colon = text.rfind(':');
  std::string address = colon == std::string::npos ? "" : text.substr(0, colon);
  const auto port = base::parse_unsigned(colon == std::string::npos ? text : text.substr(colon + 1));
  if (!port || *port > 65535)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " has no port")
        .with_hint("--addr ADDRESS:PORT, such as 127.0.0.1:5000");
  settings.port = static_cast<std::uint16_t>(*port);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  if (!address.empty()) settings.address = address;
}

std::string read_pem(const std::string& path) {
  const auto text = base::try_read_host_file(path, max_pem_bytes);
  if (!text) throw base::make_error(base::ErrorKind::not_found, "there is no file ", base::quoted(path));
  return *text;
}

bool is_loopback(const std::string& address) {
  return address.substr(0, 4) == "127." || address == "::1";
}

registry::ServerSettings settings_of(const ServeOptions& options) {
  registry::ServerSettings settings;
  parse_place(options.address, settings);
  if (options.certificate.empty() != options.key.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--cert and --key are needed together");
  if (!options.certificate.empty()) {
    settings.certificate = read_pem(options.certificate);
    settings.key = read_pem(options.key);
  }
  settings.max_connections = std::max(1U, options.max_connections);
  settings.max_connections_per_address = options.max_connections_per_address;
  if (options.max_connections_per_address == 0 && !is_loopback(settings.address))
    settings.max_connections_per_address = std::max(1U, settings.max_connections / 4);
  return settings;
}

std::string url_of(const registry::ServerSettings& settings, std::uint16_t port) {
  const bool is_v6 = settings.address.find(':') != std::string::npos;
  return base::concat(settings.certificate.empty() ? "http://" : "https://", is_v6 ? "[" : "", settings.address,
                      is_v6 ? "]" : "", ":", port);
}

using Served = std::function<registry::ServerResponse(const RegistryQuestion&, const registry::ServerRequest&)>;

/// Whether a client may mean this server. A page in a browser is kept from other hosts' answers, unless its own host's
/// name is made to mean ours: then the name that is asked for is not ours.
bool is_asked_for(const registry::ServerRequest& request, const registry::ServerSettings& settings) {
  if (!is_loopback(settings.address) || request.host.empty()) return true;
  const std::size_t colon = request.host.rfind(':');
  const bool has_port = colon != std::string::npos && request.host.find(']', colon) == std::string::npos;
  return registry::is_loopback_host(base::to_lower(request.host.substr(0, has_port ? colon : std::string::npos)));
}

/// What is the same whatever is served.
registry::ServerResponse answer(const registry::ServerRequest& request, const registry::ServerSettings& settings,
                                const Served& served) {
  if (!is_asked_for(request, settings)) return error_answer(421, "DENIED", "this server has another name");
  if (request.method != "GET" && request.method != "HEAD") {
    registry::ServerResponse refusal = error_answer(405, "UNSUPPORTED", "this registry can only be read");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  const RegistryQuestion question = parse_question(request.path);
  if (question.what == RegistryQuestion::What::base) return json_answer("{}");
  return served(question, request);
}

void tell_ready(const registry::ServerSettings& settings, const registry::HttpServer& server,
                const std::function<void(const std::string& url)>& on_ready) {
  if (!is_loopback(settings.address))
    base::log(base::LogLevel::warn, "everybody who reaches ", settings.address, " can read what is served");
  on_ready(url_of(settings, server.port()));
}

void wait_for_end(base::SignalFd& signals) {
  while (true) {
    pollfd waits{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&waits, 1, -1) < 0 && errno != EINTR) throw base::os_error("waiting for a signal");
    while (const auto signal = signals.next())
      if (*signal != SIGPIPE) return;
  }
}

/// Nobody's credentials unless the user says so: whoever reaches the server would pull with them.
registry::RegistryOptions options_for_others(Engine& engine, const ServeOptions& options) {
  RemoteOptions remote = options.remote;
  if (remote.auth_file.empty()) remote.auth_file = "/dev/null";
  return registry_options_of(engine, remote);
}

std::string cache_folder(const Engine& engine, const ServeOptions& options, const std::string& registry) {
  if (options.cache.empty()) return base::concat(engine.host.cache_dir, "/engine/registry/", registry);
  if (options.cache.front() == '/') return options.cache;
  throw base::make_error(base::ErrorKind::invalid_argument, "--cache ", base::quoted(options.cache),
                         " is not an absolute path");
}

std::uint64_t cache_bytes(const ServeOptions& options) {
  const auto size = base::parse_size(options.cache_size);
  if (size) return *size;
  throw base::make_error(base::ErrorKind::invalid_argument, "--cache-size ", base::quoted(options.cache_size),
                         " is not a size");
}

void serve_cache(Engine& engine, const ServeOptions& options, const registry::ServerSettings& settings,
                 base::SignalFd& signals, const std::function<void(const std::string& url)>& on_ready) {
  const std::string registry = oci::Reference::parse(base::concat(options.pull_through, "/name")).domain();
  if (registry != options.pull_through)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(options.pull_through), " is no registry")
        .with_hint("name its host alone, such as docker.io");
  ServedCache cache(engine.store(), registry, options_for_others(engine, options),
                    cache_folder(engine, options, registry), cache_bytes(options));
  const registry::HttpServer server(settings, [&](const registry::ServerRequest& request) {
    return answer(request, settings,
                  [&](const auto& question, const auto& asked) { return cache.answer(question, asked); });
  });
  tell_ready(settings, server, on_ready);
  wait_for_end(signals);
  cache.stop();  // so that the server's threads end, which wait for bytes
}

}  // namespace

void serve(Engine& engine, const ServeOptions& options, const std::function<void(const std::string& url)>& on_ready) {
  const registry::ServerSettings settings = settings_of(options);
  // Blocked before any thread is there, so that all of them inherit it.
  base::SignalFd signals{SIGINT, SIGTERM, SIGPIPE, SIGHUP};
  if (!options.pull_through.empty()) return serve_cache(engine, options, settings, signals, on_ready);
  ServedStore store(engine.store());
  const registry::HttpServer server(settings, [&](const registry::ServerRequest& request) {
    return answer(request, settings,
                  [&](const auto& question, const auto& asked) { return store.answer(question, asked); });
  });
  tell_ready(settings, server, on_ready);
  wait_for_end(signals);
}

}  // namespace engine
