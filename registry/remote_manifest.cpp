#include "registry/remote_manifest.hpp"

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

std::vector<std::string> accept_headers() {
  return {base::concat("Accept: ", oci::media_type_oci_manifest, ", ", oci::media_type_oci_index, ", ",
                       oci::media_type_docker_manifest, ", ", oci::media_type_docker_list)};
}

}  // namespace

std::optional<ManifestHead> head_manifest(Repository& repository, const std::string& name) {
  const std::string what = base::concat("manifest ", repository.reference().path(), ":", name);
  // All that is no answer is for the GET that follows: an answer to HEAD has no body that explains it.
  const HttpResponse response = repository.request("HEAD", base::concat("manifests/", name), accept_headers(),
                                                   {200, 400, 403, 404, 405, 406, 500, 501}, what);
  const std::string announced = response.header("docker-content-digest").value_or("");
  if (response.status() != 200 || announced.substr(0, 7) != "sha256:") return std::nullopt;
  const std::string type = response.header("content-type").value_or("");
  return ManifestHead{.digest = base::Digest::parse(announced),
                      .media_type = std::string{base::trim(std::string_view{type}.substr(0, type.find(';')))},
                      .size_bytes = response.content_length().value_or(0)};
}

void delete_manifest(Repository& repository, const base::Digest& digest) {
  const std::string what = base::concat("manifest ", repository.reference().path(), "@", digest);
  const HttpResponse response =
      repository.request("DELETE", base::concat("manifests/", digest), {}, {200, 202, 204, 405}, what);
  if (response.status() == 405)
    throw base::make_error(base::ErrorKind::unsupported, repository.reference().domain(), " does not permit deleting")
        .with_hint("its operator has to allow it; docker-registry: storage.delete.enabled: true");
}

bool delete_tag(Repository& repository, const std::string& tag) {
  const std::string what = base::concat("tag ", repository.reference().path(), ":", tag);
  const HttpResponse response =
      repository.request("DELETE", base::concat("manifests/", tag), {}, {200, 202, 204, 400, 405}, what);
  return response.status() < 300;
}

}  // namespace registry
