#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "engine/artifacts.hpp"
#include "engine/images.hpp"
#include "engine/manifest_list.hpp"
#include "storage/blobs.hpp"
#include "storage/staging.hpp"

// artifact add: files to blobs of the store, and a manifest that names them.

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 1024 * 1024;
constexpr std::size_t max_files = 1000;
constexpr std::string_view title_annotation = "org.opencontainers.image.title";
constexpr std::string_view unknown_type = "application/vnd.unknown.artifact.v1";
constexpr std::string_view empty_type = "application/vnd.oci.empty.v1+json";
constexpr std::string_view empty_config = "{}";

struct OpenFile {
  std::string path;
  base::UniqueFd fd;
  ArtifactFile file;
};

template <class Visit>
void for_each_piece(const OpenFile& file, const Visit& visit) {
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  for (off_t position = 0;;) {
    const ssize_t got = ::pread(file.fd.get(), buffer.get(), piece_bytes, position);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading ", base::quoted(file.path));
    if (got == 0) return;
    visit(std::string_view{buffer.get(), static_cast<std::size_t>(got)});
    position += got;
  }
}

/// A few types by their first bytes, as browsers tell them; else anything.
std::string media_type_of(const OpenFile& file) {
  char start[512];
  const ssize_t got = ::pread(file.fd.get(), start, sizeof start, 0);
  const std::string_view bytes{start, got > 0 ? static_cast<std::size_t>(got) : 0};
  constexpr std::pair<std::string_view, const char*> known[] = {{"\x1f\x8b\x08", "application/x-gzip"},
                                                                {"PK\x03\x04", "application/zip"},
                                                                {"%PDF-", "application/pdf"},
                                                                {"\x89PNG\r\n\x1a\n", "image/png"},
                                                                {"\xff\xd8\xff", "image/jpeg"}};
  for (const auto& [magic, type] : known)
    if (bytes.starts_with(magic)) return type;
  const bool is_text = !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
  return is_text ? "text/plain" : "application/octet-stream";
}

OpenFile open_file(const std::string& path, const AddArtifactOptions& options) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throw base::os_error("looking at ", base::quoted(path));
  if (!S_ISREG(info.st_mode))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " is not a regular file")
        .with_hint("a folder can be added as a tar of it");
  OpenFile opened{path, std::move(fd), {std::string{}, base::sha256(""), 0}};
  base::Sha256 hash;
  for_each_piece(opened, [&](std::string_view piece) {
    hash.update(piece);
    opened.file.size_bytes += piece.size();
  });
  opened.file.digest = hash.finish();
  opened.file.media_type = options.file_type.empty() ? media_type_of(opened) : options.file_type;
  for (const std::string& word : options.annotations) set_annotation(opened.file.annotations, word);
  if (!opened.file.title().empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "the name of a file cannot be set by the annotation ",
                           title_annotation);
  opened.file.annotations.emplace_back(title_annotation, std::filesystem::path(path).filename().string());
  return opened;
}

void put_file(const storage::Store& store, const storage::Staging& staging, const OpenFile& file,
              std::vector<std::unique_ptr<storage::BlobWriter>>& writers) {
  if (storage::has_blob(store, file.file.digest)) return;
  for (const auto& writer : writers)
    if (writer->is_of(file.file.digest)) return;
  writers.push_back(
      std::make_unique<storage::BlobWriter>(store, staging.dir(), file.file.digest, file.file.size_bytes));
  base::with_context(
      [&] {
        for_each_piece(file, [&](std::string_view piece) { writers.back()->write(piece); });
        writers.back()->verify();
      },
      base::quoted(file.path), " changed while it was read");
}

void write_file(base::JsonWriter& json, const ArtifactFile& file) {
  json.begin_object().member("mediaType", file.media_type).member("digest", file.digest.text());
  json.member("size", file.size_bytes);
  write_annotations(json, file.annotations);
  json.end_object();
}

/// Config and all else of a manifest that is added to stay as they are.
struct Frame {
  std::string type;
  std::string config_json;  ///< Empty: the empty one.
  base::Digest config = base::sha256(empty_config);
  std::string subject_json;
  AnnotationMap annotations;
};

Frame frame_of(const Artifact& artifact) {
  const base::JsonAt json = base::JsonAt::parse(artifact.manifest, "manifest", {.max_bytes = oci::max_manifest_bytes});
  Frame frame;
  frame.type = json.string_or("artifactType", "");
  frame.config_json = json.at("config").dump();
  frame.config = json.at("config").at("digest").digest();
  if (const auto subject = json.find("subject")) frame.subject_json = subject->dump();
  if (const auto annotations = json.find("annotations")) frame.annotations = annotations->string_map();
  return frame;
}

std::string render_manifest(const Frame& frame, const std::vector<ArtifactFile>& files) {
  base::JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", oci::media_type_oci_manifest);
  if (!frame.type.empty()) json.member("artifactType", frame.type);
  json.key("config");
  if (!frame.config_json.empty()) {
    json.raw(frame.config_json);
  } else {
    json.begin_object().member("mediaType", empty_type).member("digest", frame.config.text());
    json.member("size", static_cast<std::uint64_t>(empty_config.size())).member("data", "e30=").end_object();
  }
  json.key("layers").begin_array();
  for (const ArtifactFile& file : files) write_file(json, file);
  json.end_array();
  if (!frame.subject_json.empty()) json.key("subject").raw(frame.subject_json);
  write_annotations(json, frame.annotations);
  json.end_object();
  return json.take();
}

void require_distinct_titles(const std::vector<ArtifactFile>& files) {
  std::vector<std::string> titles;
  for (const ArtifactFile& file : files)
    if (std::string title = file.title(); !title.empty()) titles.push_back(std::move(title));
  std::sort(titles.begin(), titles.end());
  const auto twice = std::adjacent_find(titles.begin(), titles.end());
  if (twice != titles.end())
    throw base::make_error(base::ErrorKind::invalid_argument, "the artifact has a file named ", base::quoted(*twice),
                           " already");
}

std::optional<storage::NamedArtifact> find_to_append(const storage::Store& store, const std::string& name,
                                                     const AddArtifactOptions& options) {
  auto known = storage::find_artifact(store, name);
  if (known && !options.append && !options.replace)
    throw base::make_error(base::ErrorKind::in_use, name, ": artifact already exists")
        .with_hint("--append adds files to it, --replace puts a new one in its place");
  if (!known && options.append) throw base::make_error(base::ErrorKind::not_found, name, ": artifact does not exist");
  return options.append ? known : std::nullopt;
}

base::Digest publish(const storage::Store& store, const storage::Staging& staging, const std::string& name,
                     const Frame& frame, const std::vector<ArtifactFile>& files, const std::vector<OpenFile>& added) {
  const std::string manifest = render_manifest(frame, files);
  const base::Digest digest = base::sha256(manifest);
  std::vector<base::Digest> keep{digest, frame.config};
  for (const ArtifactFile& file : files) keep.push_back(file.digest);
  staging.keep(store.hold_garbage(), keep);
  std::vector<std::unique_ptr<storage::BlobWriter>> writers;
  for (const OpenFile& file : added) put_file(store, staging, file, writers);
  staging.flush();
  for (const auto& writer : writers) writer->commit();
  if (frame.config_json.empty()) storage::put_blob(store, frame.config, empty_config);
  storage::put_blob(store, digest, manifest);
  const storage::GcHold hold = store.hold_garbage();
  storage::set_artifact(store, hold, name, digest);
  staging.let_go(hold);
  return digest;
}

}  // namespace

base::Digest add_artifact(Engine& engine, const AddArtifactOptions& options) {
  const storage::Store& store = engine.store();
  const std::string name = name_for_tagging(options.name);
  if (options.append && !options.type.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--append keeps the artifact's type: leave --type out");
  if (options.append && options.replace)
    throw base::Error(base::ErrorKind::invalid_argument, "--append and --replace exclude each other");
  const base::FileLock stripe = store.lock_digest(base::sha256(name));  // of two that append at once none is lost
  const auto known = find_to_append(store, name, options);
  Frame frame;
  std::vector<ArtifactFile> files;
  if (known) {
    const Artifact artifact = read_artifact(store, *known);
    frame = frame_of(artifact);
    files = artifact.files;
  } else {
    frame.type = options.type.empty() ? std::string{unknown_type} : options.type;
  }
  std::vector<OpenFile> added;
  for (const std::string& path : options.paths) {
    added.push_back(open_file(path, options));
    files.push_back(added.back().file);
  }
  if (files.size() > max_files)
    throw base::make_error(base::ErrorKind::invalid_argument, "an artifact has room for ", max_files, " files");
  require_distinct_titles(files);
  const storage::Staging staging = storage::Staging::begin(store);
  return publish(store, staging, name, frame, files, added);
}

}  // namespace engine
