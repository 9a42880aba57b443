#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// What one image of the store needs. The words of `engine-transfer _repair`, which runs it.
struct RepairImageOptions {
  std::string manifest;                   ///< Its digest.
  std::vector<std::string> repositories;  ///< Where it may be had, in this order; may be empty.
  std::vector<std::string> layers;        ///< Chain ids to unpack again; what is missing is unpacked in any case.
  std::vector<std::string> blobs;         ///< Digests of compressed layers to fetch again.
  bool record = false;                    ///< Write the image record, manifest and config again.
  std::optional<bool> tls_verify;
  std::string auth_file, creds, cert_dir;
};

/// Only in engine-transfer. What is sound in the store is used; the rest is fetched. All or nothing of each layer is
/// replaced, under the exclusive garbage lock, and never one that a running container uses.
/// @throws Error not_found, when it cannot be had any more; network; in_use; corrupt.
void repair_image(Engine& engine, const RepairImageOptions& options);

/// As above, with the outcome on standard output: nothing, or the error as engine/error_bytes.hpp has it.
int repair_image_for_parent(Engine& engine, const RepairImageOptions& options);

}  // namespace engine
