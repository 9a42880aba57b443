#include "registry/repository.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "registry/registries_conf.hpp"
#include "registry/retry.hpp"

namespace registry {

namespace {

constexpr std::chrono::seconds request_deadline{300};

std::vector<std::string> scopes_for(Repository::Use use, const oci::Reference& reference) {
  if (use == Repository::Use::whole_registry) return {"registry:catalog:*"};
  // No document says what deleting is called. Source: github.com/distribution/distribution, registry/handlers/app.go
  if (use == Repository::Use::changing) return {base::concat("repository:", reference.path(), ":*")};
  return {base::concat("repository:", reference.path(), ":pull")};
}

}  // namespace

Repository::Repository(const oci::Reference& reference, const RegistryOptions& options, Use use, Sleeper sleeper)
    : reference_(reference),
      options_(options),
      mirror_options_(options),
      sleeper_(std::move(sleeper)),
      http_(http_settings(options)) {
  mirror_options_.credentials.clear();
  for (PullPlace& place : pull_places(load_registries_conf(options.registries_conf), reference)) {
    if (place.is_mirror && use != Use::reading) continue;
    const RegistryOptions& its_options = place.is_mirror ? mirror_options_ : options_;
    std::vector<std::string> scopes = scopes_for(use, place.reference);
    places_.push_back(std::make_unique<Endpoint>(http_, std::move(place), its_options, std::move(scopes)));
  }
}

HttpResponse Repository::request(std::string_view method, std::string_view rest,
                                 const std::vector<std::string>& headers, const std::vector<int>& accepted,
                                 std::string_view what) {
  for (;; ++good_place_) {
    try {
      return request_at(*places_[good_place_], method, rest, headers, accepted, what);
    } catch (const base::Error& error) {
      if (good_place_ + 1 == places_.size()) throw;
      base::log(base::LogLevel::warn, "mirror: ", error.message());
    }
  }
}

HttpResponse Repository::request_at(Endpoint& endpoint, std::string_view method, std::string_view rest,
                                    const std::vector<std::string>& headers, const std::vector<int>& accepted,
                                    std::string_view what) {
  for (unsigned number = 1;; ++number) {
    FailedAttempt failed;
    failed.number = number;
    std::optional<base::Error> error;
    try {
      HttpResponse response = endpoint.send(method, rest, headers, request_deadline);
      failed.status = response.status();
      if (std::find(accepted.begin(), accepted.end(), failed.status) != accepted.end()) return response;
      failed.retry_after = response.header("retry-after").value_or("");
      error = endpoint.error_for(response, what);
    } catch (const base::Error& thrown) {
      if (!is_transient(thrown)) throw;
      error = thrown;
    }
    failed.fixed_delay = options_.network.retry_delay;
    failed.now = base::now();
    const auto wait = wait_before_retry(failed, options_.retries);
    if (!wait) throw *error;
    base::log(base::LogLevel::warn, error->message(), "; next try in ", wait->count(), " ms");
    sleeper_(*wait);
  }
}

std::string next_link_of(std::string_view header) {
  while (true) {
    const std::size_t open = header.find('<');
    const std::size_t close = open == std::string_view::npos ? open : header.find('>', open);
    if (close == std::string_view::npos) return {};
    const std::string_view target = header.substr(open + 1, close - open - 1);
    header.remove_prefix(close + 1);
    // A comma inside of a parameter's quotes would cut it short; rel="next" has none.
    const std::string_view parameters = header.substr(0, header.find(','));
    for (const std::string_view parameter : base::split(parameters, ';')) {
      const auto pair = base::split_once(base::trim(parameter), '=');
      if (!pair || base::to_lower(base::trim(pair->first)) != "rel") continue;
      const std::string_view value = base::trim(pair->second);
      if (value == "next" || value == "\"next\"") return std::string{target};
    }
  }
}

std::string next_page(const HttpResponse& response) {
  for (const std::string& header : response.headers("link")) {
    const std::string target = next_link_of(header);
    if (target.empty()) continue;
    const Url next = resolve_location(response.url(), target);
    if (!next.same_origin(response.url()))
      throw base::make_error(base::ErrorKind::network, response.url().origin(), " has its next page at ", next.origin(),
                             ", which is refused");
    return next.target;
  }
  return {};
}

}  // namespace registry
