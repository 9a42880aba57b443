#include "registry/registry_destination.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "registry/attempts.hpp"
#include "registry/endpoint.hpp"
#include "registry/registries_conf.hpp"
#include "registry/upload.hpp"

namespace registry {

namespace {

constexpr std::chrono::seconds short_deadline{300};
/// Repositories that a token is asked for, so that blobs can be taken from them; more would make requests long.
constexpr std::size_t max_mount_repositories = 8;

/// Paths of the repositories of `domain` that places names, but not `own`; those of few blobs may be left out.
std::vector<std::string> mount_repositories(const BlobPlaces& places, const oci::Reference& own) {
  const std::string prefix = base::concat(own.domain(), "/");
  std::vector<std::string> found;
  for (const auto& [digest, repositories] : places) {
    for (const std::string& repository : repositories) {
      if (found.size() == max_mount_repositories) return found;
      if (repository.substr(0, prefix.size()) != prefix || repository == own.repository()) continue;
      std::string path = repository.substr(prefix.size());
      if (std::find(found.begin(), found.end(), path) == found.end()) found.push_back(std::move(path));
    }
  }
  return found;
}

std::vector<std::string> scopes_for(const oci::Reference& own, const std::vector<std::string>& mounts) {
  std::vector<std::string> scopes{base::concat("repository:", own.path(), ":pull,push")};
  for (const std::string& path : mounts) scopes.push_back(base::concat("repository:", path, ":pull"));
  return scopes;
}

PullPlace push_place(const oci::Reference& reference, const RegistryOptions& options) {
  return pull_places(load_registries_conf(options.registries_conf), reference).back();
}

class RegistryDestination final : public ImageDestination {
 public:
  RegistryDestination(const oci::Reference& reference, const RegistryOptions& options, BlobPlaces places,
                      Sleeper sleeper)
      : reference_(reference),
        options_(options),
        places_(std::move(places)),
        place_(push_place(reference, options_)),
        mounts_(mount_repositories(places_, place_.reference)),
        sleeper_(std::move(sleeper)),
        http_(http_settings(options)),
        endpoint_(http_, place_, options_, scopes_for(place_.reference, mounts_)) {}

  bool has_blob(const oci::Descriptor& blob) override {
    EndpointRequest request;
    request.method = "HEAD";
    request.rest = base::concat("blobs/", blob.digest);
    request.deadline = short_deadline;
    HttpResponse response = send_patiently(request, {200, 404}, base::concat("blob ", blob.digest));
    const bool is_there = response.status() == 200;
    while (!response.read_chunk().empty()) continue;  // none comes; then the connection can be used again
    return is_there || mount(blob);
  }

  void put_blob(const oci::Descriptor& blob, ImageSource& source) override {
    Attempts attempts{options_, sleeper_};
    BlobUpload(endpoint_, blob, source, attempts, take_session(blob.digest)).run();
  }

  void put_manifest(const ManifestBytes& manifest) override { put(manifest, manifest.digest.text()); }

  void put_root(const ManifestBytes& manifest) override {
    if (reference_.digest() && *reference_.digest() != manifest.digest)
      throw base::make_error(base::ErrorKind::invalid_argument, "the image has the digest ", manifest.digest,
                             ", and cannot be put under ", reference_.to_string());
    root_ = manifest;
  }

  void commit() override {
    if (!root_) throw base::Error(base::ErrorKind::internal, "a push without a manifest");
    put(*root_, reference_.tag().empty() ? root_->digest.text() : reference_.tag());
  }

 private:
  /// Again after failures that may pass. @throws Error for any status that is not one of `accepted`.
  HttpResponse send_patiently(const EndpointRequest& request, const std::vector<int>& accepted,
                              const std::string& what) {
    Attempts attempts{options_, sleeper_};
    while (true) {
      try {
        HttpResponse response = endpoint_.send(request);
        if (std::find(accepted.begin(), accepted.end(), response.status()) != accepted.end()) return response;
        attempts.wait_after(endpoint_.error_for(response, what), response);
      } catch (const base::Error& error) {
        if (!is_transient(error)) throw;
        attempts.wait_after(error, 0, "");
      }
    }
  }

  /// Asks the registry to take the blob from another of its repositories. When it does not, it has opened an upload.
  bool mount(const oci::Descriptor& blob) {
    const std::string from = mount_repository_of(blob.digest);
    if (from.empty()) return false;
    EndpointRequest request;
    request.method = "POST";
    request.rest =
        base::concat("blobs/uploads/?mount=", percent_encode(blob.digest.text()), "&from=", percent_encode(from));
    request.body = "";
    request.deadline = short_deadline;
    try {
      return take_mount(blob, from, endpoint_.send(request));
    } catch (const base::Error& error) {  // often a repository that this user may not read: the bytes are sent then
      base::log(base::LogLevel::debug, "mounting ", blob.digest, " from ", from, ": ", error.message());
      const std::lock_guard lock(mutex_);
      refused_mounts_.insert(from);
      return false;
    }
  }

  bool take_mount(const oci::Descriptor& blob, const std::string& from, HttpResponse response) {
    base::log(base::LogLevel::debug, "mounting ", blob.digest, " from ", from, ": ", response.status());
    if (response.status() == 202) {
      const std::lock_guard lock(mutex_);
      sessions_.insert_or_assign(blob.digest, upload_location(response));
    }
    const bool is_mounted = response.status() == 201;
    response.discard();
    return is_mounted;  // anything else: the ordinary way will tell what is wrong
  }

  std::string mount_repository_of(const base::Digest& digest) {
    const std::lock_guard lock(mutex_);
    const auto known = places_.find(digest);
    if (known == places_.end()) return {};
    for (const std::string& path : mounts_) {
      const std::string repository = base::concat(place_.reference.domain(), "/", path);
      const bool has_it = std::find(known->second.begin(), known->second.end(), repository) != known->second.end();
      if (has_it && refused_mounts_.count(path) == 0) return path;
    }
    return {};
  }

  std::optional<Url> take_session(const base::Digest& digest) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(digest);
    if (found == sessions_.end()) return std::nullopt;
    std::optional<Url> session = std::move(found->second);
    sessions_.erase(found);
    return session;
  }

  void put(const ManifestBytes& manifest, const std::string& name) {
    EndpointRequest request;
    request.method = "PUT";
    request.rest = base::concat("manifests/", name);
    request.headers = {base::concat("Content-Type: ", manifest.media_type)};
    request.body = manifest.bytes;
    request.deadline = short_deadline;
    HttpResponse response =
        send_patiently(request, {200, 201, 202, 204}, base::concat("manifest ", reference_.path(), ":", name));
    const std::string digest = response.header("docker-content-digest").value_or("");
    response.discard();
    if (digest.substr(0, 7) == "sha256:" && digest != manifest.digest.text())
      throw base::make_error(base::ErrorKind::corrupt, reference_.domain(), " has stored manifest ", manifest.digest,
                             " as ", base::quoted(digest));
  }

  oci::Reference reference_;
  RegistryOptions options_;
  BlobPlaces places_;
  PullPlace place_;                  ///< Where registries.conf says that the reference is.
  std::vector<std::string> mounts_;  ///< Paths of repositories of the same registry.
  Sleeper sleeper_;
  HttpClient http_;
  Endpoint endpoint_;
  std::mutex mutex_;
  std::map<base::Digest, Url> sessions_;  ///< Opened where a mount was not done.
  std::set<std::string> refused_mounts_;
  std::optional<ManifestBytes> root_;
};

}  // namespace

std::unique_ptr<ImageDestination> open_docker_destination(const oci::Reference& reference,
                                                          const RegistryOptions& options, const BlobPlaces& places,
                                                          Sleeper sleeper) {
  return std::make_unique<RegistryDestination>(reference, options, places, std::move(sleeper));
}

}  // namespace registry
