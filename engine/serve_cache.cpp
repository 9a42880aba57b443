#include "engine/serve_cache.hpp"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <thread>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/serve_fetch.hpp"
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
constexpr std::size_t max_tag_file_bytes = 256;

std::string media_type_of(const std::string& bytes) {
  const auto parsed = oci::parse_manifest(bytes, "", "manifest");
  return std::visit([](const auto& either) { return either.media_type; }, parsed);
}

/// A tag's file: its name may hold what a file's name may not.
std::string tag_file(const oci::Reference& reference) {
  return std::string{base::sha256(reference.to_string()).hex()};
}

ServerResponse answer_for(const base::Error& error) {
  if (error.kind() == base::ErrorKind::not_found) return error_answer(404, "NOT_FOUND", error.message());
  if (error.kind() == base::ErrorKind::permission) return error_answer(403, "DENIED", error.message());
  return error_answer(502, "UNKNOWN", error.message());
}

}  // namespace

class ServedCache::Shared : public std::enable_shared_from_this<ServedCache::Shared> {
 public:
  Shared(const storage::Store& store, std::string registry, registry::RegistryOptions options,
         const std::string& folder)
      : store_(store), registry_(std::move(registry)), options_(std::move(options)) {
    const base::UniqueFd top = base::open_directory(AT_FDCWD, "/");
    folder_ = base::make_directories(top.get(), folder.substr(1));
    lock_ = base::FileLock::try_acquire(folder_.get(), "lock", base::FileLock::Mode::exclusive);
    if (!lock_)
      throw base::make_error(base::ErrorKind::in_use, base::quoted(folder), " is served by another process")
          .with_hint("use its server, or another --cache");
    base::remove_tree(folder_.get(), "incoming");  // of a process that was killed
    incoming_ = base::make_directory(folder_.get(), "incoming");
    blobs_ = base::make_directory(folder_.get(), "blobs");
    tags_ = base::make_directory(folder_.get(), "tags");
  }

  ServerResponse answer(const RegistryQuestion& question, const ServerRequest& request) {
    try {
      if (question.what == What::tags) return tags(question, request);
      if (question.what == What::manifest) return manifest(question);
      if (question.what == What::blob) return blob(question, request);
      if (question.what == What::referrers) return referrers(question);
      return error_answer(404, "UNSUPPORTED", "this cache does not answer that");
    } catch (const base::Error& error) {
      return answer_for(error);
    }
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    for (auto& [digest, fetch] : fetches_) fetch->fail();
  }

 private:
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

  ServerResponse referrers(const RegistryQuestion& question) {
    Repository repository = repository_of(reference_of(question));
    const auto found = registry::list_referrers(repository, base::Digest::parse(question.name));
    return json_answer(registry::referrers_index(found.entries).bytes, oci::media_type_oci_index);
  }

  // ---- manifests ----

  ServerResponse manifest(const RegistryQuestion& question) {
    const oci::Reference reference = reference_of(question);
    const base::Digest digest = reference.digest() ? *reference.digest() : digest_of_tag(reference);
    std::string bytes = kept_manifest(digest).value_or(std::string{});
    if (bytes.empty()) bytes = fetch_manifest(oci::Reference::parse(base::concat(reference.repository(), '@', digest)));
    note_sizes(bytes);
    const std::string type = media_type_of(bytes);
    return manifest_answer(std::move(bytes), type, digest);
  }

  /// Asked each time, as tags move. Where the registry cannot be asked, what it said last.
  base::Digest digest_of_tag(const oci::Reference& reference) {
    try {
      Repository repository = repository_of(reference);
      const auto head = registry::head_manifest(repository, reference.tag());
      const base::Digest digest = head ? head->digest : base::sha256(fetch_manifest(reference));
      keep_tag(reference, digest);
      return digest;
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::network) throw;
      const auto kept = base::try_read_file(tags_.get(), tag_file(reference), max_tag_file_bytes);
      if (!kept) throw;
      base::log(base::LogLevel::warn, "what was kept is served: ", error.message());
      return base::Digest::parse(*kept);
    }
  }

  void keep_tag(const oci::Reference& reference, const base::Digest& digest) {
    const auto kept = base::try_read_file(tags_.get(), tag_file(reference), max_tag_file_bytes);
    if (kept != digest.text())
      base::write_file_atomically(tags_.get(), tag_file(reference), digest.text(), base::Durability::volatile_);
  }

  std::optional<std::string> kept_manifest(const base::Digest& digest) {
    if (storage::has_blob(store_, digest)) return storage::read_blob(store_, digest, oci::max_manifest_bytes);
    auto bytes = base::try_read_file(blobs_.get(), std::string{digest.hex()}, oci::max_manifest_bytes);
    if (bytes && base::sha256(*bytes) != digest) bytes.reset();  // damaged: it is fetched again
    return bytes;
  }

  std::string fetch_manifest(const oci::Reference& reference) {
    ManifestBytes found = registry::open_source({"docker", reference.to_string()}, options_)->root_manifest();
    media_type_of(found.bytes);  // nothing but manifests is kept as one
    base::write_file_atomically(blobs_.get(), std::string{found.digest.hex()}, found.bytes);
    return std::move(found.bytes);
  }

  /// A manifest says how long its blobs are, so that the registry need not be asked.
  void note_sizes(const std::string& bytes) {
    const auto parsed = oci::parse_manifest(bytes, "", "manifest");
    const auto* image = std::get_if<oci::Manifest>(&parsed);
    if (image == nullptr) return;
    const std::lock_guard lock(mutex_);
    if (sizes_.size() > max_known_sizes) sizes_.clear();
    sizes_.insert_or_assign(image->config.digest, image->config.size_bytes);
    for (const oci::Descriptor& layer : image->layers) sizes_.insert_or_assign(layer.digest, layer.size_bytes);
  }

  // ---- blobs ----

  ServerResponse blob(const RegistryQuestion& question, const ServerRequest& request) {
    const base::Digest digest = base::Digest::parse(question.name);
    std::optional<base::UniqueFd> fd = storage::open_blob(store_, digest);
    if (!fd) fd = base::try_open_file(blobs_.get(), std::string{digest.hex()});
    if (fd) {
      struct stat status {};
      if (::fstat(fd->get(), &status) != 0) throw base::os_error("looking at blob ", digest);
      return blob_answer(std::move(*fd), static_cast<std::uint64_t>(status.st_size), digest, request);
    }
    const oci::Reference reference = reference_of(question);
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

  std::uint64_t size_of(const oci::Reference& reference, const base::Digest& digest) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = sizes_.find(digest); known != sizes_.end()) return known->second;
    }
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
    if (const auto known = fetches_.find(digest); known != fetches_.end()) return known->second;
    if (is_over_ || fetches_.size() == max_fetches) return nullptr;
    const std::string name{digest.hex()};
    base::UniqueFd file{::openat(incoming_.get(), name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file) throw base::os_error("creating ", base::quoted(name));
    auto fetch = std::make_shared<ServedFetch>(digest, size_bytes, std::move(file));
    fetches_.emplace(digest, fetch);
    std::thread([self = shared_from_this(), fetch, reference] { self->run(*fetch, reference); }).detach();
    return fetch;
  }

  void run(ServedFetch& fetch, const oci::Reference& reference) noexcept {
    const std::string name{fetch.digest().hex()};
    try {
      const oci::Descriptor descriptor{.media_type = "application/octet-stream",
                                       .digest = fetch.digest(),
                                       .size_bytes = fetch.size_bytes(),
                                       .platform = {},
                                       .annotations = {}};
      registry::open_source({"docker", reference.to_string()}, options_)->blob(descriptor, fetch, 0);
      fetch.verify();
      base::flush(fetch.fd(), name);
      base::rename_replace(incoming_.get(), name, blobs_.get(), name);
      fetch.succeed();
      forget(fetch);
    } catch (const std::exception& error) {  // the last frame of a thread; its readers are told
      base::log(base::LogLevel::warn, "blob ", fetch.digest(), ": ", error.what());
      ::unlinkat(incoming_.get(), name.c_str(), 0);
      forget(fetch);  // first: who is told may ask again at once, and is to get a new one
      fetch.fail();
    }
  }

  void forget(const ServedFetch& fetch) {
    const std::lock_guard lock(mutex_);
    fetches_.erase(fetch.digest());
  }

  const storage::Store& store_;
  const std::string registry_;
  const registry::RegistryOptions options_;
  base::UniqueFd folder_, incoming_, blobs_, tags_;
  std::optional<base::FileLock> lock_;
  std::mutex mutex_;
  std::map<base::Digest, std::uint64_t> sizes_;
  std::map<base::Digest, std::shared_ptr<ServedFetch>> fetches_;
  bool is_over_ = false;
};

ServedCache::ServedCache(const storage::Store& store, std::string registry, registry::RegistryOptions options,
                         const std::string& folder)
    : shared_(std::make_shared<Shared>(store, std::move(registry), std::move(options), folder)) {}

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
