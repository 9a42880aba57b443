#include "registry/oci_layout.hpp"

#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "base/path_in_root.hpp"

namespace registry {

namespace {

constexpr std::string_view ref_name_annotation = "org.opencontainers.image.ref.name";
constexpr std::string_view containerd_name_annotation = "io.containerd.image.name";
constexpr std::size_t max_marker_bytes = 64 * 1024;

/// A value of the annotation map; empty when absent.
std::string annotation(const oci::Descriptor& descriptor, std::string_view key) {
  for (const auto& [name, value] : descriptor.annotations) {
    if (name == key) return value;
  }
  return {};
}

class LayoutFolder final : public NamedFiles {
 public:
  explicit LayoutFolder(const std::string& path) : path_(path) {
    folder_ = base::UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder_) throw base::os_error("opening ", base::quoted(path));
  }

  std::optional<ByteRange> find(const std::string& name) const override {
    base::UniqueFd fd;
    try {
      fd = base::open_beneath(folder_.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    } catch (const base::Error& error) {
      if (error.code() == ENOENT || error.code() == ENOTDIR) return std::nullopt;
      throw;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw base::os_error("looking at ", base::quoted(name));
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    return ByteRange{std::make_shared<const base::UniqueFd>(std::move(fd)), 0, size};
  }
  std::string description() const override { return base::concat(base::quoted(path_)); }

 private:
  std::string path_;
  base::UniqueFd folder_;
};

std::string read_required(const NamedFiles& files, const std::string& name, std::size_t limit_bytes) {
  const std::optional<ByteRange> range = files.find(name);
  if (!range)
    throw base::make_error(base::ErrorKind::corrupt, files.description(), " is no OCI image: it has no ", name)
        .with_hint("an archive of docker save is named with docker-archive:");
  return read_range(*range, limit_bytes, base::concat(name, " of ", files.description()));
}

void check_marker(const NamedFiles& files) {
  const base::JsonAt json = base::JsonAt::parse(read_required(files, "oci-layout", max_marker_bytes),
                                                base::concat("oci-layout of ", files.description()));
  const std::string version = json.at("imageLayoutVersion").string();
  if (version.substr(0, 2) != "1.")
    throw base::make_error(base::ErrorKind::unsupported, files.description(), " has OCI layout version ",
                           base::quoted(version));
}

oci::Index read_oci_index(const NamedFiles& files) {
  const std::string what = base::concat("index.json of ", files.description());
  auto parsed =
      oci::parse_manifest(read_required(files, "index.json", oci::max_manifest_bytes), oci::media_type_oci_index, what);
  if (auto* index = std::get_if<oci::Index>(&parsed)) return std::move(*index);
  throw base::make_error(base::ErrorKind::corrupt, what, " is not an index");
}

/// The full name that the annotations of an image say; empty when they say none.
std::string name_of(const oci::Descriptor& descriptor) {
  for (const std::string_view key : {containerd_name_annotation, ref_name_annotation}) {
    const std::string name = annotation(descriptor, key);
    if (!oci::Reference::is_qualified(name)) continue;
    try {
      return oci::Reference::parse(name).to_string();
    } catch (const base::Error&) {  // any text may stand in an annotation
    }
  }
  return {};
}

class OciLayoutSource final : public ImageSource {
 public:
  OciLayoutSource(std::shared_ptr<const NamedFiles> files, const PathAndName& place)
      : files_(std::move(files)), place_(place) {
    check_marker(*files_);
    chosen_ = choose(read_oci_index(*files_));
  }
  /// One that was chosen before.
  OciLayoutSource(std::shared_ptr<const NamedFiles> files, const PathAndName& place, oci::Descriptor chosen)
      : files_(std::move(files)), place_(place), chosen_(std::move(chosen)) {}

  ManifestBytes root_manifest() override { return manifest(*chosen_); }

  ManifestBytes manifest(const oci::Descriptor& descriptor) override {
    const std::string what = base::concat("manifest ", descriptor.digest, " of ", files_->description());
    const ByteRange range = find_blob(descriptor);
    std::string bytes = read_range(range, oci::max_manifest_bytes, what);
    base::Digest digest = base::sha256(bytes);
    if (digest != descriptor.digest) throw base::make_error(base::ErrorKind::corrupt, what, " has the digest ", digest);
    return {std::move(bytes), descriptor.media_type, std::move(digest)};
  }

  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    const ByteRange range = find_blob(descriptor);
    stream_range(range, offset, sink);
  }

  std::string suggested_name() const override {
    const std::string name = name_of(*chosen_);
    return name.empty() ? name_from_path(place_.path, annotation(*chosen_, ref_name_annotation)) : name;
  }

 private:
  base::Error error(base::ErrorKind kind, std::string_view problem) const {
    return base::make_error(kind, files_->description(), problem);
  }

  oci::Descriptor choose(oci::Index index) const {
    std::vector<std::string> names;
    for (oci::Descriptor& descriptor : index.manifests) {
      const std::string name = annotation(descriptor, ref_name_annotation);
      if (!place_.name.empty() && name == place_.name) return std::move(descriptor);
      if (!name.empty()) names.push_back(name);
    }
    if (place_.name.empty() && index.manifests.size() == 1) return std::move(index.manifests.front());
    if (index.manifests.empty()) throw error(base::ErrorKind::not_found, " holds no image");
    const std::string hint =
        names.empty() ? "its images have no names" : base::concat("it holds: ", base::join(names, ", "));
    if (place_.name.empty())
      throw error(base::ErrorKind::invalid_argument, " holds several images: add :NAME").with_hint(hint);
    throw error(base::ErrorKind::not_found, base::concat(" holds no image ", base::quoted(place_.name)))
        .with_hint(hint);
  }

  ByteRange find_blob(const oci::Descriptor& descriptor) const {
    const std::optional<ByteRange> range = files_->find(base::concat("blobs/sha256/", descriptor.digest.hex()));
    if (!range) throw error(base::ErrorKind::corrupt, base::concat(" lacks blob ", descriptor.digest));
    if (range->size_bytes != descriptor.size_bytes)
      throw error(base::ErrorKind::corrupt, base::concat(": blob ", descriptor.digest, " has ", range->size_bytes,
                                                         " bytes instead of ", descriptor.size_bytes));
    return *range;
  }

  std::shared_ptr<const NamedFiles> files_;
  PathAndName place_;
  std::optional<oci::Descriptor> chosen_;
};

std::string listed_name(const oci::Descriptor& descriptor, const std::string& folder, bool is_only_one) {
  std::string name = name_of(descriptor);
  if (!name.empty()) return name;
  const std::string tag = annotation(descriptor, ref_name_annotation);
  if (!folder.empty()) return tag.empty() && !is_only_one ? std::string{} : name_from_path(folder, tag);
  if (tag.empty()) return {};
  try {
    return oci::Reference::parse(base::concat("localhost/", tag)).to_string();
  } catch (const base::Error&) {  // any text may stand in an annotation
    return {};
  }
}

}  // namespace

PathAndName split_path_and_name(std::string_view text) {
  const auto parts = base::split_once(text, ':');
  if (!parts) return {std::string{text}, {}};
  return {std::string{parts->first}, std::string{parts->second}};
}

std::string name_from_path(std::string_view path, std::string_view tag) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  std::string name = base::to_lower(slash == std::string_view::npos ? path : path.substr(slash + 1));
  for (const std::string_view ending : {".gz", ".tgz", ".zst", ".xz", ".bz2", ".tar"}) {
    if (name.size() > ending.size() && std::string_view{name}.substr(name.size() - ending.size()) == ending)
      name.resize(name.size() - ending.size());
  }
  try {
    return oci::Reference::parse(base::concat("localhost/", name, tag.empty() ? "" : ":", tag)).to_string();
  } catch (const base::Error&) {  // a file may have any name
    return {};
  }
}

std::shared_ptr<const NamedFiles> open_layout_folder(const std::string& path) {
  return std::make_shared<const LayoutFolder>(path);
}

std::unique_ptr<ImageSource> open_oci_layout(std::shared_ptr<const NamedFiles> files, const PathAndName& place) {
  return std::make_unique<OciLayoutSource>(std::move(files), place);
}

std::vector<ArchivedImage> list_oci_layout(std::shared_ptr<const NamedFiles> files, const std::string& folder) {
  check_marker(*files);
  std::vector<ArchivedImage> images;
  std::map<base::Digest, std::size_t> places;
  const oci::Index index = read_oci_index(*files);
  for (const oci::Descriptor& descriptor : index.manifests) {
    const auto [place, is_new] = places.emplace(descriptor.digest, images.size());
    if (is_new)
      images.push_back({.names = {}, .open = [files, folder, descriptor] {
                          return std::make_unique<OciLayoutSource>(files, PathAndName{folder, {}}, descriptor);
                        }});
    std::string name = listed_name(descriptor, folder, index.manifests.size() == 1);
    if (!name.empty()) images[place->second].names.push_back(std::move(name));
  }
  return images;
}

}  // namespace registry
