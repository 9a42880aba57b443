#include "registry/search.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "registry/repository.hpp"
#include "registry/tags.hpp"

namespace registry {

namespace {

constexpr std::size_t max_results_bytes = 8 * 1024 * 1024;
constexpr std::chrono::seconds search_deadline{120};

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text;
}

std::string search_target(const std::string& words, unsigned limit) {
  return base::concat("/v1/search?q=", percent_encode(words), "&n=", limit);
}

/// Docker Hub answers searches at another host than pulls, and to everybody.
std::vector<SearchHit> search_docker_hub(const std::string& words, unsigned limit, const RegistryOptions& options) {
  HttpClient http(http_settings(options));
  HttpRequest request;
  request.url = parse_url(base::concat("https://index.docker.io", search_target(words, limit)));
  request.deadline = search_deadline;
  HttpResponse response = http.send(request);
  if (response.status() != 200)
    throw base::make_error(base::ErrorKind::network, "docker.io answered ", response.status(), " to the search for ",
                           base::quoted(words))
        .with_hint(response.status() == 429 ? "its limit of searches is used up for now; try again later" : "");
  return parse_search_results(response.read_all(max_results_bytes, "results of docker.io"), "docker.io");
}

/// Nothing, when the registry knows no searches.
std::optional<std::vector<SearchHit>> search_by_api(Repository& repository, const std::string& words, unsigned limit) {
  const std::string& registry = repository.reference().domain();
  const std::string what = base::concat("results of ", registry);
  HttpResponse response = repository.request("GET", search_target(words, limit), {}, {200, 400, 404, 405, 501}, what);
  const std::string type = response.header("content-type").value_or("");
  if (response.status() != 200 || type.find("json") == std::string::npos) return std::nullopt;
  return parse_search_results(response.read_all(max_results_bytes, what), registry);
}

std::vector<SearchHit> search_catalog(Repository& repository, const std::string& words) {
  const std::string& registry = repository.reference().domain();
  std::vector<SearchHit> hits;
  for (const std::string& name : list_repositories(repository, 0)) {
    if (name.find(words) == std::string::npos) continue;
    SearchHit hit;
    hit.index = registry;
    hit.name = base::concat(registry, "/", name);
    hits.push_back(std::move(hit));
  }
  return hits;
}

std::optional<bool> parse_yes_no(std::string_view text) {
  if (text.empty() || text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace

SearchTerm parse_search_term(std::string_view term) {
  const auto parts = base::split_once(term, '/');
  const bool has_registry =
      parts && (parts->first.find_first_of(".:") != std::string_view::npos || parts->first == "localhost");
  if (!has_registry) return {"", std::string{term}};
  return {std::string{parts->first}, std::string{parts->second}};
}

std::vector<SearchHit> parse_search_results(std::string_view json, const std::string& registry) {
  const std::string what = base::concat("results of ", registry);
  const base::JsonAt answer = base::JsonAt::parse(json, what, {max_results_bytes, 16});
  std::vector<SearchHit> hits;
  const auto results = answer.find("results");
  if (!results) return hits;
  for (const base::JsonAt& result : results->array()) {
    SearchHit hit;
    hit.index = registry;
    std::string name = one_line(result.at("name").string());
    const bool is_short = registry == "docker.io" && name.find('/') == std::string::npos;
    hit.name = base::concat(registry, is_short ? "/library/" : "/", name);
    hit.description = one_line(result.string_or("description", ""));
    hit.stars = static_cast<std::uint64_t>(std::max<std::int64_t>(0, result.integer_or("star_count", 0)));
    hit.is_official = result.boolean_or("is_official", false);
    hit.is_automated = result.boolean_or("is_automated", false);
    hits.push_back(std::move(hit));
  }
  return hits;
}

SearchFilter parse_search_filters(const std::vector<std::string>& filters) {
  SearchFilter parsed;
  for (const std::string& filter : filters) {
    const auto pair = base::split_once(filter, '=');
    const std::string_view key = pair ? pair->first : std::string_view{filter};
    const std::string_view value = pair ? pair->second : std::string_view{};
    const auto bad = [&] {
      return base::make_error(base::ErrorKind::invalid_argument, "filter ", base::quoted(filter), " is not known")
          .with_hint("stars=NUMBER, is-official[=false], is-automated[=false]");
    };
    if (key == "stars") {
      const auto stars = base::parse_unsigned(value);
      if (!stars) throw bad();
      parsed.stars = *stars;
    } else if (key == "is-official" || key == "is-automated") {
      const std::optional<bool> wanted = parse_yes_no(value);
      if (!wanted) throw bad();
      (key == "is-official" ? parsed.is_official : parsed.is_automated) = wanted;
    } else {
      throw bad();
    }
  }
  return parsed;
}

bool matches(const SearchHit& hit, const SearchFilter& filter) {
  return hit.stars >= filter.stars && filter.is_official.value_or(hit.is_official) == hit.is_official &&
         filter.is_automated.value_or(hit.is_automated) == hit.is_automated;
}

std::vector<SearchHit> search_registry(const std::string& registry, const std::string& words, unsigned limit,
                                       const RegistryOptions& options, Sleeper sleeper) {
  if (registry == "docker.io" || registry == "index.docker.io") return search_docker_hub(words, limit, options);
  // Only the registry part counts; the path would be a repository's.
  const oci::Reference place = oci::Reference::parse(base::concat(registry, "/search"));
  Repository repository(place, options, Repository::Use::whole_registry, std::move(sleeper));
  if (auto hits = search_by_api(repository, words, limit)) return std::move(*hits);
  try {
    return search_catalog(repository, words);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found && error.kind() != base::ErrorKind::permission) throw;
    throw base::make_error(base::ErrorKind::unsupported, registry, " cannot be searched: ", error.message())
        .with_hint(base::concat("engine tags ", registry, "/NAME lists the tags of a repository that you know"));
  }
}

}  // namespace registry
