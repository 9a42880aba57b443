#pragma once

#include <array>
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
///   layers/<chain>/<variant>/diff  the unpacked tree; <variant>/meta beside it, and <variant>/opaque if it hides all
///   below merged/<chain>-<variant>/tree  copy driver: one read-only tree per image and variant images/<manifest hex>
///   image record refs/<encoded name>            one file per tag: "digest generation\n" containers/<id>/ record,
///   state, config.json, lock, alive, upper, work, log names/<encoded name>           hard link to the record of the
///   container that has the name volumes/<encoded name>/        _data, meta, lock staging/<random>/              work
///   in progress; .lock is held by its owner trash/<random>                 renamed here, then deleted locks/gc,
///   locks/pull-<00..ff>  lock files, never deleted; locks/names, locks/staging: held for a few system calls
///
/// A folder being made in containers/ is called ".new-<id>"; readers skip every name that begins with a dot.
namespace layout {
inline constexpr std::string_view format_line = "engine-store 1\n";
/// Every folder that a store has from its beginning, parents first.
inline constexpr std::array<const char*, 12> folders = {"blobs",   "blobs/sha256", "layers",     "merged",
                                                        "images",  "refs",         "containers", "names",
                                                        "volumes", "staging",      "trash",      "locks"};
std::string blob_dir(const base::Digest& digest);
std::string blob(const base::Digest& digest);
/// Downloads that broke off, partial/<hex>; made when it is first needed.
inline constexpr const char* partial_folder = "partial";
std::string partial(const base::Digest& digest);
std::string layer(const base::Digest& chain);
std::string layer_variant(const base::Digest& chain, std::string_view variant);
std::string layer_diff(const base::Digest& chain, std::string_view variant);
/// Exists where the root of the layer is opaque: nothing of the layers below is to be seen.
std::string layer_opaque(const base::Digest& chain, std::string_view variant);
std::string merged(const base::Digest& chain, std::string_view variant);
std::string image(const base::Digest& manifest);
std::string ref(std::string_view name);
/// @throws Error invalid_argument, unless is_container_id.
std::string container(std::string_view id);
std::string container_name(std::string_view name);
std::string volume(std::string_view name);
std::string pull_lock(const base::Digest& digest);

/// 64 lower-case hexadecimal digits.
bool is_container_id(std::string_view text);
/// The same form: what blobs, layers and image records are called.
bool is_hex_digest(std::string_view text);
bool is_lower_hex(std::string_view text);
/// Names of containers and volumes: [a-zA-Z0-9][a-zA-Z0-9_.-]*
bool is_object_name(std::string_view name);

/// Bijective percent-encoding into one path component of at most 200 bytes; longer names become "~" + their SHA-256,
/// and the file holds the full name. @throws Error invalid_argument for an empty name.
std::string encode_name(std::string_view name);
/// Empty for a hashed name, and for what encode_name would never write.
std::string decode_name(std::string_view encoded);
}  // namespace layout

}  // namespace storage
