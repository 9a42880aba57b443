#include "registry/check_login.hpp"

#include "base/error.hpp"
#include "base/oci/reference.hpp"
#include "registry/attempts.hpp"
#include "registry/endpoint.hpp"
#include "registry/registries_conf.hpp"

namespace registry {

namespace {

constexpr std::chrono::seconds deadline{60};

}  // namespace

void check_login(const std::string& domain, const RegistryOptions& options) {
  HttpClient http(http_settings(options));
  // A repository is only there to be part of a reference: the path asked for is /v2/.
  const oci::Reference reference = oci::Reference::parse(base::concat(domain, "/login/check"));
  PullPlace place{.reference = reference};
  const RegistriesConf conf = load_registries_conf(options.registries_conf);
  if (const RegistryEntry* entry = find_registry(conf, reference)) place.insecure = entry->insecure;
  Endpoint endpoint(http, place, options, {std::string{}});
  const Sleeper sleeper = sleep_really;
  Attempts attempts(options, sleeper);
  EndpointRequest request;
  request.rest = "/v2/";
  request.deadline = deadline;
  while (true) {
    HttpResponse response = endpoint.send(request);
    if (response.status() == 200) return;
    if (response.status() == 404)
      throw base::make_error(base::ErrorKind::network, domain, " is no registry: it answered 404 for /v2/");
    attempts.wait_after(endpoint.error_for(response, "a login"), response);
  }
}

}  // namespace registry
