#include "engine/serve_answers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

using registry::ServerRequest;
using registry::ServerResponse;
using What = RegistryQuestion::What;

constexpr std::size_t max_page_entries = 10'000;
constexpr std::string_view api_version_name = "Docker-Distribution-API-Version";

/// Whether it may be a repository's name; what stands in front of it makes it a whole one.
bool is_repository(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.find_first_of(":@") != std::string_view::npos) return false;
  try {
    return oci::Reference::parse(base::concat("localhost/", name)).path() == name;
  } catch (const base::Error&) {  // a grammar that is not kept is an answer here
    return false;
  }
}

bool is_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > 128 || tag.front() == '.' || tag.front() == '-') return false;
  return std::all_of(tag.begin(), tag.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

bool is_digest(std::string_view text) {
  return text.size() == 71 && text.substr(0, 7) == "sha256:" &&
         text.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

/// "NAME/manifests/REFERENCE" by its last two parts.
RegistryQuestion by_last_parts(std::string_view rest) {
  const std::size_t last = rest.rfind('/');
  if (last == std::string_view::npos || last == 0) return {};
  const std::size_t before = rest.rfind('/', last - 1);
  if (before == std::string_view::npos) return {};
  const std::string_view repository = rest.substr(0, before);
  const std::string_view kind = rest.substr(before + 1, last - before - 1);
  const std::string_view name = rest.substr(last + 1);
  RegistryQuestion question{What::unknown, std::string{repository}, std::string{name}};
  if (!is_repository(repository)) return {};
  if (kind == "tags" && name == "list") question.what = What::tags;
  if (kind == "manifests" && (is_tag(name) || is_digest(name))) question.what = What::manifest;
  if (kind == "blobs" && is_digest(name)) question.what = What::blob;
  if (kind == "referrers" && is_digest(name)) question.what = What::referrers;
  return question;
}

std::string_view code_of(What what) {
  if (what == What::manifest) return "MANIFEST_UNKNOWN";
  if (what == What::blob) return "BLOB_UNKNOWN";
  return what == What::tags ? "NAME_UNKNOWN" : "NOT_FOUND";
}

}  // namespace

RegistryQuestion parse_question(std::string_view path) {
  constexpr std::string_view prefix = "/v2/";
  if (path == "/v2" || path == prefix) return {What::base, {}, {}};
  if (path.substr(0, prefix.size()) != prefix) return {};
  const std::string_view rest = path.substr(prefix.size());
  if (rest == "_catalog") return {What::catalog, {}, {}};
  return by_last_parts(rest);
}

ServerResponse error_answer(int status, std::string_view code, std::string_view message) {
  base::JsonWriter json;
  json.begin_object().key("errors").begin_array().begin_object();
  json.member("code", code).member("message", message).end_object().end_array().end_object();
  ServerResponse answer = json_answer(json.take());
  answer.status = status;
  return answer;
}

ServerResponse not_found_answer(const RegistryQuestion& question) {
  return error_answer(404, code_of(question.what),
                      base::concat(question.repository, " ", question.name, " is not here"));
}

ServerResponse json_answer(std::string json, std::string_view media_type) {
  return {.status = 200,
          .headers = {{"Content-Type", std::string{media_type}}, {std::string{api_version_name}, "registry/2.0"}},
          .body = std::move(json)};
}

ServerResponse manifest_answer(std::string bytes, const std::string& media_type, const base::Digest& digest) {
  ServerResponse answer = json_answer(std::move(bytes), media_type);
  answer.headers.emplace_back("Docker-Content-Digest", digest.text());
  answer.headers.emplace_back("ETag", base::concat('"', digest, '"'));
  return answer;
}

ServerResponse blob_answer(base::UniqueFd fd, std::uint64_t size_bytes, const base::Digest& digest,
                           const ServerRequest& request) {
  const registry::RangeAnswer asked = registry::parse_range(request.range, size_bytes);
  if (asked.is_unsatisfiable) {
    ServerResponse answer = error_answer(416, "RANGE_INVALID", "there is no such range");
    answer.headers.emplace_back("Content-Range", base::concat("bytes */", size_bytes));
    return answer;
  }
  const registry::RangeOfBody part = asked.range.value_or(registry::RangeOfBody{0, size_bytes});
  ServerResponse answer;
  answer.headers = {{"Content-Type", "application/octet-stream"},
                    {std::string{api_version_name}, "registry/2.0"},
                    {"Accept-Ranges", "bytes"},
                    {"Docker-Content-Digest", digest.text()},
                    {"ETag", base::concat('"', digest, '"')}};
  if (asked.range) {
    answer.status = 206;
    answer.headers.emplace_back(
        "Content-Range", base::concat("bytes ", part.offset, "-", part.offset + part.size_bytes - 1, "/", size_bytes));
  }
  if (part.size_bytes > 0)
    answer.body = registry::FileBody{.fd = std::move(fd), .offset = part.offset, .size_bytes = part.size_bytes};
  return answer;
}

ServerResponse referrers_answer(const ServerRequest& request, const std::vector<registry::Referrer>& found) {
  const std::string wanted = request.parameter("artifactType");
  std::vector<registry::Referrer> chosen;
  for (const registry::Referrer& referrer : found)
    if (wanted.empty() || referrer.artifact_type == wanted) chosen.push_back(referrer);
  ServerResponse answer = json_answer(registry::referrers_index(chosen).bytes, oci::media_type_oci_index);
  if (!wanted.empty()) answer.headers.emplace_back("OCI-Filters-Applied", "artifactType");
  return answer;
}

ServerResponse page_answer(const ServerRequest& request, const std::string& repository, std::string_view key,
                           const std::vector<std::string>& sorted) {
  const std::string count = request.parameter("n");
  const auto wanted = count.empty() ? std::optional<std::uint64_t>{max_page_entries} : base::parse_unsigned(count);
  if (!wanted) return error_answer(400, "PAGINATION_NUMBER_INVALID", "n is not a number");
  const std::string last = request.parameter("last");
  auto from = last.empty() ? sorted.begin() : std::upper_bound(sorted.begin(), sorted.end(), last);
  const auto left = static_cast<std::uint64_t>(sorted.end() - from);
  const std::uint64_t size = std::min({left, *wanted, std::uint64_t{max_page_entries}});
  const std::vector<std::string> page(from, from + static_cast<std::ptrdiff_t>(size));
  base::JsonWriter json;
  json.begin_object();
  if (!repository.empty()) json.member("name", repository);
  json.member(key, page).end_object();
  ServerResponse answer = json_answer(json.take());
  if (size > 0 && size < left) {
    const std::string path = repository.empty() ? "/v2/_catalog" : base::concat("/v2/", repository, "/tags/list");
    // What it names was checked by the grammar: there is nothing in it to encode.
    answer.headers.emplace_back("Link", base::concat('<', path, "?n=", size, "&last=", page.back(), ">; rel=\"next\""));
  }
  return answer;
}

}  // namespace engine
