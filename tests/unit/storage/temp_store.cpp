#include "temp_store.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "storage/blobs.hpp"
#include "storage/layers.hpp"
#include "storage/staging.hpp"

namespace storage::test {

void write_file(int dir, const std::string& path, std::string_view bytes, mode_t mode) {
  const base::UniqueFd fd{::openat(dir, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
  if (!fd) throw base::os_error("creating ", base::quoted(path));
  base::write_all(fd.get(), bytes);
}

base::Digest publish_small_layer(const Store& store, const std::string& name, const std::string& variant) {
  const Staging staging = Staging::begin(store);
  const base::UniqueFd folder = base::make_directory(staging.dir(), "layer");
  const base::UniqueFd diff = base::make_directory(folder.get(), "diff", 0755);
  write_file(diff.get(), "from-" + name, name);
  write_file(folder.get(), "owners", "owners of " + name);
  const base::Digest chain = digest_of("chain " + name);
  const base::Digest blob = digest_of("blob " + name);
  put_blob(store, blob, "blob " + name);
  const LayerMeta meta{.diff_id = digest_of("diff " + name),
                       .blob = blob,
                       .media_type = "application/vnd.oci.image.layer.v1.tar+gzip",
                       .blob_bytes = 5 + name.size(),
                       .unpacked_bytes = name.size(),
                       .entries = 1};
  write_layer_records(staging.dir(), "layer", chain, variant, meta);
  publish_layer(store, staging.dir(), "layer", chain, variant, meta);
  return chain;
}

ImageRecord put_small_image(const Store& store, const std::string& name, const std::vector<base::Digest>& chain_ids,
                            const std::string& created) {
  const std::string config =
      R"({"architecture":"amd64","os":"linux","author":")" + name + R"(","rootfs":{"type":"layers","diff_ids":[]}})";
  const base::Digest config_digest = base::sha256(config);
  const std::string manifest = base::concat(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":)",
      R"("application/vnd.oci.image.config.v1+json","digest":")", config_digest, R"(","size":)", config.size(),
      R"(},"layers":[]})");
  const base::Digest manifest_digest = base::sha256(manifest);
  put_blob(store, config_digest, config);
  put_blob(store, manifest_digest, manifest);
  ImageRecord record{.manifest = manifest_digest,
                     .config = config_digest,
                     .index = std::nullopt,
                     .chain_ids = chain_ids,
                     .size_bytes = 1,
                     .created = created};
  put_image(store, store.hold_garbage(), record);
  return record;
}

}  // namespace storage::test
