#include "registry/client.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "registry/attempts.hpp"
#include "registry/blob_transfer.hpp"
#include "registry/endpoint.hpp"

namespace registry {

namespace {

constexpr std::chrono::seconds manifest_deadline{300};
/// A response that brings this much starts the count of attempts anew, so that a long download outlives many cuts.
constexpr std::uint64_t progress_that_counts = 1024 * 1024;

/// Manifests of kinds we understand; schema 1 is not asked for.
std::string accept_header() {
  return base::concat("Accept: ", oci::media_type_oci_manifest, ", ", oci::media_type_oci_index, ", ",
                      oci::media_type_docker_manifest, ", ", oci::media_type_docker_list);
}

/// Without parameters; empty for types that say nothing, as plain file servers send them.
std::string media_type_of(const HttpResponse& response) {
  const std::string header = response.header("content-type").value_or("");
  std::string type{base::trim(std::string_view{header}.substr(0, header.find(';')))};
  if (type == "application/octet-stream" || type == "application/json" || type == "text/plain") type.clear();
  return type;
}

class DockerSource final : public ImageSource {
 public:
  DockerSource(const oci::Reference& reference, const RegistryOptions& options, Sleeper sleeper)
      : reference_(reference),
        options_(options),
        mirror_options_(options),
        sleeper_(std::move(sleeper)),
        http_(http_settings(options)) {
    mirror_options_.credentials.clear();  // --creds is for the registry that the user named
    for (PullPlace& place : pull_places(load_registries_conf(options.registries_conf), reference)) {
      const RegistryOptions& its_options = place.is_mirror ? mirror_options_ : options_;
      endpoints_.push_back(std::make_unique<Endpoint>(http_, std::move(place), its_options));
    }
  }

  ManifestBytes root_manifest() override {
    return at_first_good_endpoint([&](Endpoint& endpoint) {
      const oci::Reference& reference = endpoint.reference();
      const std::string name = reference.digest() ? reference.digest()->text() : reference.tag();
      return fetch_manifest(endpoint, name, reference.digest(), oci::max_manifest_bytes);
    });
  }

  ManifestBytes manifest(const oci::Descriptor& descriptor) override {
    ManifestBytes found = at_first_good_endpoint([&](Endpoint& endpoint) {
      const std::size_t limit = std::min<std::uint64_t>(oci::max_manifest_bytes, descriptor.size_bytes);
      return fetch_manifest(endpoint, descriptor.digest.text(), descriptor.digest, limit);
    });
    if (found.bytes.size() != descriptor.size_bytes)
      throw base::make_error(base::ErrorKind::corrupt, "manifest ", descriptor.digest, " has ", found.bytes.size(),
                             " bytes instead of ", descriptor.size_bytes);
    if (!found.media_type.empty() && found.media_type != descriptor.media_type)
      throw base::make_error(base::ErrorKind::corrupt, "manifest ", descriptor.digest, " is of type ",
                             base::quoted(found.media_type), " instead of ", base::quoted(descriptor.media_type));
    found.media_type = descriptor.media_type;
    return found;
  }

  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    if (offset > descriptor.size_bytes)
      throw base::make_error(base::ErrorKind::corrupt, "blob ", descriptor.digest, " has only ", descriptor.size_bytes,
                             " bytes");
    BlobTransfer transfer{descriptor, sink, offset};
    at_first_good_endpoint(
        [&](Endpoint& endpoint) {
          fetch_blob(endpoint, descriptor, transfer);
          return 0;
        },
        &transfer);
  }

  std::string suggested_name() const override { return reference_.to_string(); }
  bool is_remote() const override { return true; }

 private:
  /// From the endpoint that worked last on; the error of the last one counts.
  template <class Work>
  std::invoke_result_t<const Work&, Endpoint&> at_first_good_endpoint(const Work& work,
                                                                      const BlobTransfer* transfer = nullptr) {
    for (std::size_t index = good_endpoint_;; ++index) {
      try {
        auto result = work(*endpoints_[index]);
        good_endpoint_ = index;
        return result;
      } catch (const base::Error& error) {
        const bool is_ours = transfer != nullptr && transfer->has_sink_failed();
        if (is_ours || index + 1 == endpoints_.size()) throw;
        base::log(base::LogLevel::warn, "mirror: ", error.message());
      }
    }
  }

  ManifestBytes fetch_manifest(Endpoint& endpoint, const std::string& name, const std::optional<base::Digest>& expected,
                               std::size_t limit_bytes) {
    const std::string what = base::concat("manifest ", endpoint.reference().path(), expected ? "@" : ":", name);
    Attempts attempts{options_, sleeper_};
    while (true) {
      try {
        HttpResponse response = endpoint.get(base::concat("manifests/", name), {accept_header()}, manifest_deadline);
        if (response.status() == 200) return check_manifest(response, what, expected, limit_bytes);
        const base::Error error = endpoint.error_for(response, what);
        attempts.wait_after(error, response);
      } catch (const base::Error& error) {
        if (!is_transient(error)) throw;
        attempts.wait_after(error, 0, "");
      }
    }
  }

  static ManifestBytes check_manifest(HttpResponse& response, const std::string& what,
                                      const std::optional<base::Digest>& expected, std::size_t limit_bytes) {
    std::string media_type = media_type_of(response);
    const std::string announced = response.header("docker-content-digest").value_or("");
    std::string bytes = response.read_all(limit_bytes, what);
    base::Digest digest = base::sha256(bytes);
    if (expected && digest != *expected)
      throw base::make_error(base::ErrorKind::corrupt, what, " has the digest ", digest, " instead");
    // The registry may name a digest of another algorithm, which says nothing to us.
    if (announced.substr(0, 7) == "sha256:" && announced != digest.text())
      throw base::make_error(base::ErrorKind::corrupt, what, " has the digest ", digest, ", but ",
                             base::quoted(announced), " was announced");
    return {std::move(bytes), std::move(media_type), std::move(digest)};
  }

  void fetch_blob(Endpoint& endpoint, const oci::Descriptor& descriptor, BlobTransfer& transfer) {
    const std::string what = base::concat("blob ", descriptor.digest);
    Attempts attempts{options_, sleeper_};
    while (!transfer.is_complete()) {
      const std::uint64_t start = transfer.position();
      try {
        std::vector<std::string> headers;
        if (start > 0) headers.push_back(base::concat("Range: bytes=", start, "-"));
        HttpResponse response = endpoint.get(base::concat("blobs/", descriptor.digest), headers, {});
        if (response.status() == 200 || response.status() == 206) {
          transfer.take(response);
          return;
        }
        const base::Error error = endpoint.error_for(response, what);
        attempts.wait_after(error, response);
      } catch (const base::Error& error) {
        if (transfer.has_sink_failed() || !is_transient(error)) throw;
        if (transfer.position() - start >= progress_that_counts) attempts.start_anew();
        attempts.wait_after(error, 0, "");
      }
    }
  }

  oci::Reference reference_;
  RegistryOptions options_;
  RegistryOptions mirror_options_;
  Sleeper sleeper_;
  HttpClient http_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::atomic<std::size_t> good_endpoint_ = 0;
};

}  // namespace

void sleep_really(std::chrono::milliseconds time) {
  // Up to a quarter more, so that those who were refused together do not come back together.
  static thread_local std::minstd_rand chance{std::random_device{}()};
  const auto more = std::uniform_int_distribution<long long>{0, std::max<long long>(time.count() / 4, 1)}(chance);
  std::this_thread::sleep_for(time + std::chrono::milliseconds{more});
}

std::unique_ptr<ImageSource> open_docker_source(const oci::Reference& reference, const RegistryOptions& options,
                                                Sleeper sleeper) {
  return std::make_unique<DockerSource>(reference, options, std::move(sleeper));
}

}  // namespace registry
