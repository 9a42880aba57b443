#include "engine/serve_store.hpp"

#include <algorithm>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
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

/// How `bytes`, which refer to something, stand in a list of referrers.
std::string referrer_json(const base::JsonAt& manifest, std::string_view bytes, const std::string& media_type,
                          const base::Digest& digest) {
  std::string artifact_type = manifest.string_or("artifactType", "");
  if (const auto config = manifest.find("config"); artifact_type.empty() && config)
    artifact_type = config->string_or("mediaType", "");
  base::JsonWriter json;
  json.begin_object().member("mediaType", media_type).member("digest", digest.text());
  json.member("size", static_cast<std::uint64_t>(bytes.size()));
  if (!artifact_type.empty()) json.member("artifactType", artifact_type);
  if (const auto annotations = manifest.find("annotations")) json.member("annotations", annotations->string_map());
  json.end_object();
  return json.take();
}

}  // namespace

void ServedStore::add_manifest(Snapshot& snapshot, const storage::Store& store, const base::Digest& digest) {
  if (!storage::has_blob(store, digest) || !snapshot.manifests.insert(digest).second) return;
  const std::string bytes = storage::read_blob(store, digest, oci::max_manifest_bytes);
  const auto parsed = oci::parse_manifest(bytes, "", base::concat("manifest ", digest));
  if (const auto* index = std::get_if<oci::Index>(&parsed)) {
    for (const oci::Descriptor& child : index->manifests) add_manifest(snapshot, store, child.digest);
    return;
  }
  const auto& manifest = std::get<oci::Manifest>(parsed);
  snapshot.blobs.insert(manifest.config.digest);
  for (const oci::Descriptor& layer : manifest.layers) snapshot.blobs.insert(layer.digest);
  const base::JsonAt json = base::JsonAt::parse(bytes, base::concat("manifest ", digest));
  if (const auto subject = json.find("subject"))
    snapshot.referrers[subject->at("digest").digest()].push_back(
        referrer_json(json, bytes, manifest.media_type, digest));
}

void ServedStore::add_image(Snapshot& snapshot, const storage::Store& store, const storage::NamedImage& image) {
  if (image.names.empty()) return;
  for (const std::string& name : image.names) {
    const oci::Reference reference = oci::Reference::parse(name);
    std::set<std::string>& tags = snapshot.tags[reference.repository()];
    if (!reference.tag().empty()) tags.insert(reference.tag());
    for (const std::string& shown : names_for(reference)) {
      std::string& means = snapshot.repositories[shown];
      if (means.empty() || rank_of(reference.repository()) < rank_of(means)) means = reference.repository();
    }
  }
  add_manifest(snapshot, store, image.record.manifest);
  if (image.record.index) add_manifest(snapshot, store, *image.record.index);
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
      return referrers(question);
    default:
      return not_found_answer(question);
  }
}

ServerResponse ServedStore::catalog(const ServerRequest& request) {
  std::vector<std::string> names;
  // A port has no place in the path of a name, so such repositories are reached by the rest of theirs.
  for (const auto& [repository, tags] : current()->tags)
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
  const std::set<std::string>& tags = now->tags.at(repository->second);
  return page_answer(request, question.repository, "tags", {tags.begin(), tags.end()});
}

/// Tags are read from the disk each time, so that a new one is served at once.
std::optional<storage::ImageRecord> ServedStore::find_tag(const RegistryQuestion& question) {
  const Current now = current();
  std::vector<std::string> repositories;
  if (const auto known = now->repositories.find(question.repository); known != now->repositories.end())
    repositories.push_back(known->second);
  if (oci::Reference::is_qualified(question.repository)) repositories.push_back(question.repository);
  for (const char* prefix : {"localhost/", "docker.io/", "docker.io/library/"})
    repositories.push_back(base::concat(prefix, question.repository));
  for (const std::string& repository : repositories)
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
  Current now = current();
  if (now->manifests.count(digest) == 0) now = look_again();
  return now->manifests.count(digest) == 0 ? not_found_answer(question) : send_manifest(question, digest);
}

ServedStore::Current ServedStore::look_again() {
  const std::lock_guard lock(mutex_);
  if (std::chrono::steady_clock::now() - taken_ < remembered_at_least) return snapshot_;
  return refresh();
}

ServerResponse ServedStore::blob(const RegistryQuestion& question, const ServerRequest& request) {
  const base::Digest digest = base::Digest::parse(question.name);
  Current now = current();
  if (now->blobs.count(digest) == 0) now = look_again();
  // Blobs that belong to no image with a name are nobody's business.
  if (now->blobs.count(digest) == 0 && now->manifests.count(digest) == 0) return not_found_answer(question);
  std::optional<base::UniqueFd> fd = storage::open_blob(store_, digest);
  if (!fd) return error_answer(404, "BLOB_UNKNOWN", "the store has not kept the compressed bytes of this layer");
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) throw base::os_error("looking at blob ", digest);
  return blob_answer(std::move(*fd), static_cast<std::uint64_t>(status.st_size), digest, request);
}

ServerResponse ServedStore::referrers(const RegistryQuestion& question) {
  const Current now = current();
  const auto found = now->referrers.find(base::Digest::parse(question.name));
  base::JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", std::string{oci::media_type_oci_index});
  json.key("manifests").begin_array();
  if (found != now->referrers.end())
    for (const std::string& descriptor : found->second) json.raw(descriptor);
  json.end_array().end_object();
  return json_answer(json.take(), oci::media_type_oci_index);
}

}  // namespace engine
