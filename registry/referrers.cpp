#include "registry/referrers.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

/// Asks for one page; nothing when the registry has no such thing.
std::optional<HttpResponse> ask(Repository& repository, const std::string& rest, const std::string& what) {
  const std::string accept = base::concat("Accept: ", oci::media_type_oci_index);
  HttpResponse response = repository.request("GET", rest, {accept}, {200, 400, 404, 405, 501}, what);
  if (response.status() != 200) return std::nullopt;
  return response;
}

std::vector<Referrer> take_page(HttpResponse& response, const std::string& what) {
  return parse_referrers(response.read_all(oci::max_manifest_bytes, what), what);
}

/// Whether it is an index: a server may answer any path with a page of its own.
bool is_index(const HttpResponse& response) {
  const std::string type = response.header("content-type").value_or("");
  return type.substr(0, type.find(';')) == oci::media_type_oci_index;
}

void append(std::vector<Referrer>& all, std::vector<Referrer> page, const std::string& what) {
  if (all.size() + page.size() > max_referrers)
    throw base::make_error(base::ErrorKind::corrupt, what, " has more than ", max_referrers, " entries");
  for (Referrer& entry : page) all.push_back(std::move(entry));
}

}  // namespace

std::string referrers_tag(const base::Digest& subject) {
  return base::concat("sha256-", subject.hex());
}

std::vector<std::string> cosign_tags(const base::Digest& image) {
  std::vector<std::string> tags;
  for (const char* ending : {".sig", ".att", ".sbom"}) tags.push_back(base::concat(referrers_tag(image), ending));
  return tags;
}

std::vector<Referrer> parse_referrers(std::string_view bytes, std::string_view what) {
  const base::JsonAt index = base::JsonAt::parse(bytes, std::string{what}, {oci::max_manifest_bytes, 32});
  std::vector<Referrer> entries;
  const auto manifests = index.find("manifests");
  if (!manifests) return entries;
  for (const base::JsonAt& entry : manifests->array())
    entries.push_back({oci::parse_descriptor(entry), entry.string_or("artifactType", "")});
  return entries;
}

ManifestBytes referrers_index(const std::vector<Referrer>& entries) {
  base::JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", std::string{oci::media_type_oci_index});
  json.key("manifests").begin_array();
  for (const Referrer& entry : entries) {
    json.begin_object().member("mediaType", entry.descriptor.media_type);
    json.member("digest", entry.descriptor.digest.text()).member("size", entry.descriptor.size_bytes);
    if (!entry.descriptor.annotations.empty()) json.member("annotations", entry.descriptor.annotations);
    if (!entry.artifact_type.empty()) json.member("artifactType", entry.artifact_type);
    json.end_object();
  }
  json.end_array().end_object();
  std::string bytes = json.take();
  base::Digest digest = base::sha256(bytes);
  return {std::move(bytes), std::string{oci::media_type_oci_index}, std::move(digest)};
}

Referrers list_referrers(Repository& repository, const base::Digest& subject) {
  const std::string what = base::concat("list of referrers of ", repository.reference().path(), "@", subject);
  Referrers found;
  std::string rest = base::concat("referrers/", subject);
  for (unsigned pages = 0; !rest.empty(); ++pages) {
    std::optional<HttpResponse> response = ask(repository, rest, what);
    if (!response || !is_index(*response)) break;
    found.has_api = true;
    std::string next = next_page(*response);
    append(found.entries, take_page(*response, what), what);
    rest = next == rest || pages == max_referrers ? std::string{} : std::move(next);
  }
  if (found.has_api) return found;
  if (std::optional<HttpResponse> response = ask(repository, base::concat("manifests/", referrers_tag(subject)), what))
    append(found.entries, take_page(*response, what), what);
  return found;
}

}  // namespace registry
