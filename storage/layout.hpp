#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace storage {

/// Every path of the store, relative to its root; nothing else builds a store path.
///
///   format                         "engine-store 1\n"
///   blobs/sha256/ab/<hex>          immutable: manifests, configs, compressed layers
///   layers/<chain>/meta            diff id, blob digest, parent, sizes; one for all variants
///   layers/<chain>/owners          owner manifest: true uid, gid, mode, capabilities, digest of every entry
///   layers/<chain>/<variant>/diff  the unpacked tree; <variant>/meta beside it
///   merged/<chain>-<variant>/      copy driver: one read-only tree per image and variant
///   images/<manifest hex>          image record
///   refs/<encoded name>            one file per tag: "digest generation\n"
///   containers/<id>/               record, state, config.json, lock, alive, upper, work, log
///   names/<encoded name>           container name -> id
///   volumes/<encoded name>/        _data, meta, lock
///   staging/<random>/              work in progress; .lock is held by its owner
///   trash/<random>                 renamed here, then deleted
///   locks/gc, locks/pull-<00..ff>  lock files, never deleted
namespace layout {
inline constexpr std::string_view format_line = "engine-store 1\n";
std::string blob_dir(const base::Digest& digest);
std::string blob(const base::Digest& digest);
std::string layer(const base::Digest& chain);
std::string layer_variant(const base::Digest& chain, std::string_view variant);
std::string layer_diff(const base::Digest& chain, std::string_view variant);
std::string merged(const base::Digest& chain, std::string_view variant);
std::string image(const base::Digest& manifest);
std::string ref(std::string_view name);
std::string container(std::string_view id);
std::string container_name(std::string_view name);
std::string volume(std::string_view name);
std::string pull_lock(const base::Digest& digest);

/// Bijective percent-encoding into one path component of at most 255 bytes; longer names become "~" + their SHA-256,
/// and the file holds the full name.
std::string encode_name(std::string_view name);
/// Nothing for a hashed name.
std::string decode_name(std::string_view encoded);
}  // namespace layout

}  // namespace storage
