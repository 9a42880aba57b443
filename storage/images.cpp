#include "storage/images.hpp"

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "storage/blobs.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"

namespace storage {

namespace {

std::string render(const ImageRecord& record) {
  base::JsonWriter json = begin_record();
  json.member("manifest", record.manifest.text());
  json.member("config", record.config.text());
  if (record.index) json.member("index", record.index->text());
  json.key("layers").begin_array();
  for (const base::Digest& chain : record.chain_ids) json.value(chain.text());
  json.end_array();
  json.member("size", record.size_bytes);
  json.member("created", record.created);
  json.end_object();
  return json.take();
}

/// A record as its texts, read without a tree.
struct ImageTexts {
  std::string manifest, config, index, created;
  std::vector<std::string> chains;
  std::uint64_t size_bytes = 0;
};

std::optional<ImageTexts> scan_image(std::string_view bytes) {
  ImageTexts texts;
  const bool is_plain = scan_record(bytes, [&](base::JsonScan& scan, std::string_view key) {
    std::string* const text = key == "manifest"  ? &texts.manifest
                              : key == "config"  ? &texts.config
                              : key == "index"   ? &texts.index
                              : key == "created" ? &texts.created
                                                 : nullptr;
    if (text != nullptr)
      scan.read(*text);
    else if (key == "layers")
      scan.read(texts.chains);
    else if (key == "size")
      scan.read(texts.size_bytes);
    else
      return false;
    return true;
  });
  return is_plain ? std::optional{std::move(texts)} : std::nullopt;
}

std::optional<ImageRecord> try_parse_plain_image(std::string_view bytes, const base::Digest& manifest) {
  auto texts = scan_image(bytes);
  if (!texts || texts->manifest != manifest.text() || texts->config.empty()) return std::nullopt;
  try {
    ImageRecord record{.manifest = manifest,
                       .config = base::Digest::parse(texts->config),
                       .index = std::nullopt,
                       .chain_ids = {},
                       .size_bytes = texts->size_bytes,
                       .created = std::move(texts->created)};
    if (!texts->index.empty()) record.index = base::Digest::parse(texts->index);
    for (const std::string& chain : texts->chains) record.chain_ids.push_back(base::Digest::parse(chain));
    return record;
  } catch (const base::Error&) {  // told with its place in the document by whoever reads all of it
    return std::nullopt;
  }
}

ImageRecord parse_image(std::string_view bytes, const base::Digest& manifest) {
  if (auto record = try_parse_plain_image(bytes, manifest)) return std::move(*record);
  const base::JsonAt json = parse_record(bytes, base::concat("record of image ", manifest));
  ImageRecord record{.manifest = json.at("manifest").digest(),
                     .config = json.at("config").digest(),
                     .index = std::nullopt,
                     .chain_ids = {},
                     .size_bytes = json.at("size").unsigned_integer(),
                     .created = json.string_or("created", "")};
  if (record.manifest != manifest) throw json.at("manifest").error(base::concat("not ", manifest));
  if (const auto index = json.find("index")) record.index = index->digest();
  for (const base::JsonAt& chain : json.at("layers").array()) record.chain_ids.push_back(chain.digest());
  return record;
}

/// An image record promises that all of it is here and on the disk.
void require_parts(const Store& store, const ImageRecord& record) {
  const auto missing = [](std::string_view what, const base::Digest& digest) {
    return base::Error{base::ErrorKind::not_found,
                       base::concat(what, " ", digest, " went away while the image was being stored"),
                       "another process removed it; try again"};
  };
  for (const base::Digest& chain : record.chain_ids) {
    const std::string path = layout::layer(chain);
    if (!base::exists(store.root_having(path), path)) throw missing("layer", chain);
  }
  if (!has_blob(store, record.manifest)) throw missing("manifest", record.manifest);
  if (!has_blob(store, record.config)) throw missing("config", record.config);
}

}  // namespace

void put_image(const Store& store, const GcHold&, const ImageRecord& record) {
  require_parts(store, record);
  // Everything before this was published by renames alone: one flush for all of them, not one for each folder.
  base::flush_filesystem(store.root());
  const base::UniqueFd images = base::open_directory(store.root(), "images");
  base::write_file_atomically(images.get(), std::string{record.manifest.hex()}, render(record));
}

void set_ref(const Store& store, const GcHold&, const std::string& name, const base::Digest& manifest) {
  write_ref(store, name, manifest);
}

bool remove_ref(const Store& store, const std::string& name) {
  const std::string path = layout::ref(name);
  if (!base::exists(store.root(), path)) return false;
  base::unlink_file(store.root(), path);
  return true;
}

std::optional<ImageRecord> find_by_ref(const Store& store, const std::string& name) {
  // The ref may be replaced and its old image collected between the two reads: the second look finds the new one.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto manifest = read_ref(store, name);
    if (!manifest) return std::nullopt;
    if (auto record = read_image(store, *manifest)) return record;
  }
  return std::nullopt;
}

std::optional<ImageRecord> read_image_at(int dir, const std::string& path, const base::Digest& manifest,
                                         SmallFiles& files) {
  const auto bytes = files.read(dir, path, max_record_bytes);
  if (!bytes) return std::nullopt;
  return parse_image(*bytes, manifest);
}

std::optional<ImageRecord> read_image(const Store& store, const base::Digest& manifest) {
  const std::string path = layout::image(manifest);
  SmallFiles files;
  return read_image_at(store.root_having(path), path, manifest, files);
}

bool is_own_image(const Store& store, const base::Digest& manifest) {
  return base::exists(store.root(), layout::image(manifest));
}

void adopt_image(const Store& store, const GcHold& hold, const ImageRecord& record) {
  put_blob(store, record.config, read_blob(store, record.config, oci::max_config_bytes));
  put_blob(store, record.manifest, read_blob(store, record.manifest, oci::max_manifest_bytes));
  if (record.index) put_blob(store, *record.index, read_blob(store, *record.index, oci::max_manifest_bytes));
  put_image(store, hold, record);
}

oci::ImageConfig read_image_config(const Store& store, const ImageRecord& record) {
  return oci::parse_image_config(read_blob(store, record.config, oci::max_config_bytes),
                                 base::concat("config of image ", record.config.short_hex()));
}

}  // namespace storage
