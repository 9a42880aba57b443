#include "engine/serve_store.hpp"

#include <algorithm>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"
#include "storage/blobs.hpp"

namespace engine {
namespace {

using registry::ServerRequest;
using registry::ServerResponse;
using What = RegistryQuestion::What;

/// How long what is in the store is remembered. What is not found is looked for again sooner, but not at each request:
/// a client that asks for nonsense must not make us read the whole store each time.
constexpr std::chrono::milliseconds remembered{1000};
constexpr std::chrono::milliseconds remembered_at_least{100};

/// Clients leave out docker.io, library and localhost.
std::vector<std::string> names_for(const oci::Reference& reference) {
  std::vector<std::string> names{reference.repository(), reference.path()};
  constexpr std::string_view library = "library/";
  if (reference.domain() == "docker.io" && reference.path().substr(0, library.size()) == library)
    names.push_back(reference.path().substr(library.size()));
  return names;
}

/// Of several repositories that one short name may mean, ours come first.
int rank_of(std::string_view repository) {
  if (repository.substr(0, 10) == "localhost/") return 0;
  return repository.substr(0, 10) == "docker.io/" ? 1 : 2;
}

/// The index, when all that it names is here; else the one image that is.
base::Digest digest_of_tag(const storage::Store& store, const storage::ImageRecord& record) {
  if (!record.index || !storage::has_blob(store, *record.index)) return record.manifest;
  const std::string bytes = storage::read_blob(store, *record.index, oci::max_manifest_bytes);
  const auto parsed = oci::parse_manifest(bytes, "", "index");
  const auto* index = std::get_if<oci::Index>(&parsed);
  if (index == nullptr) return record.manifest;
  for (const oci::Descriptor& child : index->manifests)
    if (!storage::has_blob(store, child.digest)) return record.manifest;
  return *record.index;
}

/// How a manifest that refers to another one stands in the list of them.
registry::Referrer referrer_of(const base::JsonAt& json, const oci::Manifest& manifest, std::uint64_t size_bytes,
                               const base::Digest& digest) {
  registry::Referrer referrer{{.media_type = manifest.media_type,
                               .digest = digest,
                               .size_bytes = size_bytes,
                               .platform = {},
                               .annotations = {}},
                              json.string_or("artifactType", "")};
  if (referrer.artifact_type.empty()) referrer.artifact_type = manifest.config.media_type;
  if (const auto annotations = json.find("annotations")) referrer.descriptor.annotations = annotations->string_map();
  return referrer;
}

}  // namespace

void ServedStore::add_manifest(Contents& contents, const storage::Store& store, const base::Digest& digest) {
  if (!storage::has_blob(store, digest) || !contents.manifests.insert(digest).second) return;
  const std::string bytes = storage::read_blob(store, digest, oci::max_manifest_bytes);
  const auto parsed = oci::parse_manifest(bytes, "", base::concat("manifest ", digest));
  if (const auto* index = std::get_if<oci::Index>(&parsed)) {
    for (const oci::Descriptor& child : index->manifests) add_manifest(contents, store, child.digest);
    return;
  }
  const auto& manifest = std::get<oci::Manifest>(parsed);
  contents.blobs.insert(manifest.config.digest);
  for (const oci::Descriptor& layer : manifest.layers) contents.blobs.insert(layer.digest);
  const base::JsonAt json = base::JsonAt::parse(bytes, base::concat("manifest ", digest));
  if (const auto subject = json.find("subject"))
    contents.referrers[subject->at("digest").digest()].push_back(referrer_of(json, manifest, bytes.size(), digest));
}

void ServedStore::add_image(Snapshot& snapshot, const storage::Store& store, const storage::NamedImage& image) {
  for (const std::string& name : image.names) {
    const oci::Reference reference = oci::Reference::parse(name);
    Contents& contents = snapshot.contents[reference.repository()];
    if (!reference.tag().empty()) contents.tags.insert(reference.tag());
    add_manifest(contents, store, image.record.manifest);
    if (image.record.index) add_manifest(contents, store, *image.record.index);
    for (const std::string& shown : names_for(reference)) {
      std::string& means = snapshot.repositories[shown];
      if (means.empty() || rank_of(reference.repository()) < rank_of(means)) means = reference.repository();
    }
  }
}

ServedStore::Current ServedStore::refresh() {
  auto fresh = std::make_shared<Snapshot>();
  for (const storage::NamedImage& image : storage::list_images(store_)) {
    try {
      add_image(*fresh, store_, image);
    } catch (const base::Error& error) {  // one damaged image is no reason not to serve the others
      base::log(base::LogLevel::warn, "an image is not served: ", error.message());
    }
  }
  snapshot_ = fresh;
  taken_ = std::chrono::steady_clock::now();
  return fresh;
}

ServedStore::Current ServedStore::current() {
  const std::lock_guard lock(mutex_);
  if (snapshot_ && std::chrono::steady_clock::now() - taken_ < remembered) return snapshot_;
  return refresh();
}

ServerResponse ServedStore::answer(const RegistryQuestion& question, const ServerRequest& request) {
  switch (question.what) {
    case What::catalog:
      return catalog(request);
    case What::tags:
      return tags(question, request);
    case What::manifest:
      return manifest(question);
    case What::blob:
      return blob(question, request);
    case What::referrers:
      return referrers(question, request);
    default:
      return not_found_answer(question);
  }
}

ServerResponse ServedStore::catalog(const ServerRequest& request) {
  std::vector<std::string> names;
  // A port has no place in the path of a name, so such repositories are reached by the rest of theirs.
  const Current now = current();  // outlives the loop
  for (const auto& [repository, contents] : now->contents)
    names.push_back(repository.find(':') == std::string::npos ? repository
                                                              : repository.substr(repository.find('/') + 1));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return page_answer(request, "", "repositories", names);
}

ServerResponse ServedStore::tags(const RegistryQuestion& question, const ServerRequest& request) {
  const Current now = current();
  const auto repository = now->repositories.find(question.repository);
  if (repository == now->repositories.end()) return not_found_answer(question);
  const std::set<std::string>& tags = now->contents.at(repository->second).tags;
  return page_answer(request, question.repository, "tags", {tags.begin(), tags.end()});
}

/// What a client may mean by `name`, best first.
std::vector<std::string> ServedStore::meanings_of(const Snapshot& snapshot, const std::string& name) {
  std::vector<std::string> repositories;
  if (const auto known = snapshot.repositories.find(name); known != snapshot.repositories.end())
    repositories.push_back(known->second);
  if (oci::Reference::is_qualified(name)) repositories.push_back(name);
  for (const char* prefix : {"localhost/", "docker.io/", "docker.io/library/"})
    repositories.push_back(base::concat(prefix, name));
  return repositories;
}

/// Tags are read from the disk each time, so that a new one is served at once.
std::optional<storage::ImageRecord> ServedStore::find_tag(const RegistryQuestion& question) {
  for (const std::string& repository : meanings_of(*current(), question.repository))
    if (auto record = storage::find_by_ref(store_, base::concat(repository, ":", question.name))) return record;
  return std::nullopt;
}

ServerResponse ServedStore::send_manifest(const RegistryQuestion& question, const base::Digest& digest) {
  if (!storage::has_blob(store_, digest)) return not_found_answer(question);
  std::string bytes = storage::read_blob(store_, digest, oci::max_manifest_bytes);
  const auto parsed = oci::parse_manifest(bytes, "", base::concat("manifest ", digest));
  const std::string type = std::visit([](const auto& either) { return either.media_type; }, parsed);
  return manifest_answer(std::move(bytes), type, digest);
}

ServerResponse ServedStore::manifest(const RegistryQuestion& question) {
  if (question.name.find(':') == std::string::npos) {
    const std::optional<storage::ImageRecord> record = find_tag(question);
    return record ? send_manifest(question, digest_of_tag(store_, *record)) : not_found_answer(question);
  }
  const base::Digest digest = base::Digest::parse(question.name);
  return has(question, digest, false) ? send_manifest(question, digest) : not_found_answer(question);
}

bool ServedStore::has(const RegistryQuestion& question, const base::Digest& digest, bool also_blobs) {
  const auto has_now = [&](const Snapshot& now) {
    for (const std::string& repository : meanings_of(now, question.repository)) {
      const auto found = now.contents.find(repository);
      if (found == now.contents.end()) continue;
      if (found->second.manifests.contains(digest) || (also_blobs && found->second.blobs.contains(digest))) return true;
    }
    return false;
  };
  return has_now(*current()) || has_now(*look_again());
}

bool ServedStore::belongs_to(const std::string& repository, const base::Digest& digest) {
  const Current now = current();
  const auto found = now->contents.find(repository);
  return found != now->contents.end() &&
         (found->second.manifests.contains(digest) || found->second.blobs.contains(digest));
}

ServedStore::Current ServedStore::look_again() {
  const std::lock_guard lock(mutex_);
  if (std::chrono::steady_clock::now() - taken_ < remembered_at_least) return snapshot_;
  return refresh();
}

ServerResponse ServedStore::blob(const RegistryQuestion& question, const ServerRequest& request) {
  const base::Digest digest = base::Digest::parse(question.name);
  // Blobs that belong to no image with a name are nobody's business.
  if (!has(question, digest, true)) return not_found_answer(question);
  std::optional<base::UniqueFd> fd = storage::open_blob(store_, digest);
  if (!fd) return error_answer(404, "BLOB_UNKNOWN", "the store has not kept the compressed bytes of this layer");
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) throw base::os_error("looking at blob ", digest);
  return blob_answer(std::move(*fd), static_cast<std::uint64_t>(status.st_size), digest, request);
}

ServerResponse ServedStore::referrers(const RegistryQuestion& question, const ServerRequest& request) {
  const Current now = current();
  const base::Digest subject = base::Digest::parse(question.name);
  std::map<base::Digest, registry::Referrer> all;  // a repository may be meant in more than one way
  for (const std::string& repository : meanings_of(*now, question.repository)) {
    const auto contents = now->contents.find(repository);
    if (contents == now->contents.end()) continue;
    const auto found = contents->second.referrers.find(subject);
    if (found == contents->second.referrers.end()) continue;
    for (const registry::Referrer& referrer : found->second) all.emplace(referrer.descriptor.digest, referrer);
  }
  std::vector<registry::Referrer> found;
  for (auto& [digest, referrer] : all) found.push_back(std::move(referrer));
  return referrers_answer(request, found);
}

}  // namespace engine
