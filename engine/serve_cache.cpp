#include "engine/serve_cache.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/serve_cache_folder.hpp"
#include "engine/serve_fetch.hpp"
#include "engine/serve_store.hpp"
#include "registry/referrers.hpp"
#include "registry/remote_manifest.hpp"
#include "registry/repository.hpp"
#include "registry/tags.hpp"
#include "storage/blobs.hpp"

namespace engine {
namespace {

using registry::ManifestBytes;
using registry::Repository;
using registry::ServerRequest;
using registry::ServerResponse;
using What = RegistryQuestion::What;

constexpr std::size_t max_fetches = 32;
constexpr std::size_t max_known_sizes = 100'000;

std::string media_type_of(const std::string& bytes) {
  const auto parsed = oci::parse_manifest(bytes, "", "manifest");
  return std::visit([](const auto& either) { return either.media_type; }, parsed);
}

ServerResponse answer_for(const base::Error& error) {
  if (error.kind() == base::ErrorKind::not_found) return error_answer(404, "NOT_FOUND", error.message());
  if (error.kind() == base::ErrorKind::no_space) return error_answer(507, "TOOLARGE", error.message());
  if (error.kind() == base::ErrorKind::permission) return error_answer(403, "DENIED", error.message());
  return error_answer(502, "UNKNOWN", error.message());
}

}  // namespace

class ServedCache::Shared : public std::enable_shared_from_this<ServedCache::Shared> {
 public:
  Shared(const storage::Store& store, std::string registry, registry::RegistryOptions options,
         const std::string& folder, std::uint64_t max_bytes)
      : store_(store),
        named_(store),
        registry_(std::move(registry)),
        options_(std::move(options)),
        folder_(folder, max_bytes) {}

  ServerResponse answer(const RegistryQuestion& question, const ServerRequest& request) {
    try {
      if (question.what == What::tags) return tags(question, request);
      if (question.what == What::manifest) return manifest(question);
      if (question.what == What::blob) return blob(question, request);
      if (question.what == What::referrers) return referrers(question, request);
      return error_answer(404, "UNSUPPORTED", "this cache does not answer that");
    } catch (const base::Error& error) {
      return answer_for(error);
    }
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    for (auto& [key, fetch] : fetches_) fetch->fail();
  }

 private:
  /// Fetches of two repositories are not shared: one of them may have been told a wrong size.
  using BlobOfRepository = std::pair<std::string, base::Digest>;

  oci::Reference reference_of(const RegistryQuestion& question) const {
    std::string name = base::concat(registry_, '/', question.repository);
    if (question.what == What::manifest)
      name += base::concat(question.name.find(':') == std::string::npos ? ':' : '@', question.name);
    return oci::Reference::parse(name);
  }
  Repository repository_of(const oci::Reference& reference) const {
    return Repository(reference, options_, Repository::Use::reading);
  }

  ServerResponse tags(const RegistryQuestion& question, const ServerRequest& request) {
    Repository repository = repository_of(reference_of(question));
    std::vector<std::string> all = registry::list_tags(repository, 0);
    std::sort(all.begin(), all.end());
    return page_answer(request, question.repository, "tags", all);
  }

  ServerResponse referrers(const RegistryQuestion& question, const ServerRequest& request) {
    Repository repository = repository_of(reference_of(question));
    const auto found = registry::list_referrers(repository, base::Digest::parse(question.name));
    return referrers_answer(request, found.entries);
  }

  // ---- manifests ----

  ServerResponse manifest(const RegistryQuestion& question) {
    const oci::Reference reference = reference_of(question);
    const base::Digest digest = reference.digest() ? *reference.digest() : digest_of_tag(reference);
    const oci::Reference by_digest = oci::Reference::parse(base::concat(reference.repository(), '@', digest));
    std::string bytes = kept_manifest(by_digest, digest).value_or(std::string{});
    if (bytes.empty()) bytes = fetch_manifest(by_digest);
    note_sizes(reference.repository(), bytes);
    const std::string type = media_type_of(bytes);
    return manifest_answer(std::move(bytes), type, digest);
  }

  /// Asked each time, as tags move. Where the registry cannot be asked, what it said last.
  base::Digest digest_of_tag(const oci::Reference& reference) {
    try {
      Repository repository = repository_of(reference);
      const auto head = registry::head_manifest(repository, reference.tag());
      const base::Digest digest = head ? head->digest : base::sha256(fetch_manifest(reference));
      folder_.keep_tag(reference.to_string(), digest);
      return digest;
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::network) throw;
      const auto kept = folder_.read_tag(reference.to_string());
      if (!kept) throw;
      base::log(base::LogLevel::warn, "what was kept is served: ", error.message());
      return *kept;
    }
  }

  std::optional<std::string> kept_manifest(const oci::Reference& reference, const base::Digest& digest) {
    if (named_.belongs_to(reference.repository(), digest) && storage::has_blob(store_, digest))
      return storage::read_blob(store_, digest, oci::max_manifest_bytes);
    if (!folder_.is_owner(reference.repository(), digest)) return std::nullopt;
    return folder_.read_manifest(digest);
  }

  std::string fetch_manifest(const oci::Reference& reference) {
    ManifestBytes found = registry::open_source({"docker", reference.to_string()}, options_)->root_manifest();
    media_type_of(found.bytes);  // nothing but manifests is kept as one
    folder_.keep_manifest(found.digest, found.bytes);
    folder_.add_owner(reference.repository(), found.digest);
    return std::move(found.bytes);
  }

  /// A manifest says how long its blobs are, so that the registry need not be asked. That counts for its own repository
  /// only: somebody else's manifest may lie.
  void note_sizes(const std::string& repository, const std::string& bytes) {
    const auto parsed = oci::parse_manifest(bytes, "", "manifest");
    const auto* image = std::get_if<oci::Manifest>(&parsed);
    if (image == nullptr) return;
    const std::lock_guard lock(mutex_);
    if (sizes_.size() > max_known_sizes) sizes_.clear();
    sizes_.try_emplace({repository, image->config.digest}, image->config.size_bytes);
    for (const oci::Descriptor& layer : image->layers) sizes_.try_emplace({repository, layer.digest}, layer.size_bytes);
  }

  // ---- blobs ----

  ServerResponse blob(const RegistryQuestion& question, const ServerRequest& request) {
    const base::Digest digest = base::Digest::parse(question.name);
    const oci::Reference reference = reference_of(question);
    if (std::optional<base::UniqueFd> fd = kept_blob(reference, digest)) {
      struct stat status {};
      if (::fstat(fd->get(), &status) != 0) throw base::os_error("looking at blob ", digest);
      return blob_answer(std::move(*fd), static_cast<std::uint64_t>(status.st_size), digest, request);
    }
    const std::uint64_t size_bytes = size_of(reference, digest);
    if (request.method == "HEAD") return stream_answer(digest, size_bytes, nullptr);
    const std::shared_ptr<ServedFetch> fetch = fetch_of(reference, digest, size_bytes);
    if (!fetch) {
      ServerResponse busy = error_answer(503, "TOOMANYREQUESTS", "too much is being fetched already");
      busy.headers.emplace_back("Retry-After", "1");
      return busy;
    }
    return stream_answer(digest, size_bytes, fetch);
  }

  std::optional<base::UniqueFd> kept_blob(const oci::Reference& reference, const base::Digest& digest) {
    if (named_.belongs_to(reference.repository(), digest))
      if (auto fd = storage::open_blob(store_, digest)) return fd;
    if (auto fd = folder_.open(reference.repository(), digest)) return fd;
    if (!folder_.has(digest)) return std::nullopt;
    ask_for_size(reference, digest);  // another repository's: it is this one's, too, when the registry says so
    folder_.add_owner(reference.repository(), digest);
    return folder_.open(reference.repository(), digest);
  }

  std::uint64_t size_of(const oci::Reference& reference, const base::Digest& digest) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = sizes_.find({reference.repository(), digest}); known != sizes_.end()) return known->second;
    }
    return ask_for_size(reference, digest);
  }

  /// @throws Error not_found, when this repository has no such blob.
  std::uint64_t ask_for_size(const oci::Reference& reference, const base::Digest& digest) {
    Repository repository = repository_of(reference);
    const auto response =
        repository.request("HEAD", base::concat("blobs/", digest), {}, {200}, base::concat("blob ", digest));
    const auto size = response.content_length();
    if (!size)
      throw base::make_error(base::ErrorKind::network, registry_, " does not say how long blob ", digest, " is");
    return *size;
  }

  static ServerResponse stream_answer(const base::Digest& digest, std::uint64_t size_bytes,
                                      const std::shared_ptr<ServedFetch>& fetch) {
    ServerResponse answer;
    answer.headers = {{"Content-Type", "application/octet-stream"},
                      {"Docker-Distribution-API-Version", "registry/2.0"},
                      {"Docker-Content-Digest", digest.text()}};
    answer.body = registry::StreamBody{.size_bytes = size_bytes,
                                       .read = [fetch](std::uint64_t position, char* buffer, std::size_t size) {
                                         return fetch ? fetch->read(position, buffer, size) : std::ptrdiff_t{-1};
                                       }};
    return answer;
  }

  /// The one that is under way, or a new one; null, when there are too many.
  std::shared_ptr<ServedFetch> fetch_of(const oci::Reference& reference, const base::Digest& digest,
                                        std::uint64_t size_bytes) {
    const std::lock_guard lock(mutex_);
    const BlobOfRepository key{reference.repository(), digest};
    if (const auto known = fetches_.find(key); known != fetches_.end()) return known->second;
    if (is_over_ || fetches_.size() == max_fetches) return nullptr;
    std::optional<CacheFolder::Incoming> incoming = folder_.begin(size_bytes);
    if (!incoming) return nullptr;
    auto fetch = std::make_shared<ServedFetch>(digest, size_bytes, std::move(incoming->file));
    try {
      std::thread([self = shared_from_this(), fetch, reference,
                   place = CacheFolder::Incoming{incoming->name, size_bytes, {}}] {
        self->run(*fetch, reference, place);
      }).detach();
    } catch (const std::system_error&) {  // no more threads: nobody may wait for what is not fetched
      folder_.give_up({incoming->name, size_bytes, {}});
      return nullptr;
    }
    fetches_.emplace(key, fetch);  // it is not forgotten before, as we hold the lock
    return fetch;
  }

  void run(ServedFetch& fetch, const oci::Reference& reference, const CacheFolder::Incoming& place) noexcept {
    try {
      const oci::Descriptor descriptor{.media_type = "application/octet-stream",
                                       .digest = fetch.digest(),
                                       .size_bytes = fetch.size_bytes(),
                                       .platform = {},
                                       .annotations = {}};
      registry::open_source({"docker", reference.to_string()}, options_)->blob(descriptor, fetch, 0);
      fetch.verify();
      folder_.keep(place, fetch.fd(), fetch.digest());
      folder_.add_owner(reference.repository(), fetch.digest());
      fetch.succeed();
      forget({reference.repository(), fetch.digest()});
    } catch (const std::exception& error) {  // the last frame of a thread; its readers are told
      base::log(base::LogLevel::warn, "blob ", fetch.digest(), ": ", error.what());
      folder_.give_up(place);
      // First: who is told may ask again at once, and is to get a new one, of the size that the registry says.
      forget({reference.repository(), fetch.digest()}, true);
      fetch.fail();
    }
  }

  void forget(const BlobOfRepository& key, bool also_size = false) {
    const std::lock_guard lock(mutex_);
    fetches_.erase(key);
    if (also_size) sizes_.erase(key);
  }

  const storage::Store& store_;
  ServedStore named_;
  const std::string registry_;
  const registry::RegistryOptions options_;
  CacheFolder folder_;
  std::mutex mutex_;
  std::map<BlobOfRepository, std::uint64_t> sizes_;
  std::map<BlobOfRepository, std::shared_ptr<ServedFetch>> fetches_;
  bool is_over_ = false;
};

ServedCache::ServedCache(const storage::Store& store, std::string registry, registry::RegistryOptions options,
                         const std::string& folder, std::uint64_t max_bytes)
    : shared_(std::make_shared<Shared>(store, std::move(registry), std::move(options), folder, max_bytes)) {}

ServedCache::~ServedCache() {
  stop();
}

ServerResponse ServedCache::answer(const RegistryQuestion& question, const ServerRequest& request) {
  return shared_->answer(question, request);
}

void ServedCache::stop() {
  shared_->stop();
}

}  // namespace engine
