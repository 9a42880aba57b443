#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "engine/context.hpp"
#include "engine/signing_options.hpp"

namespace engine {

struct PushOptions {
  std::string image;        ///< Name or id.
  std::string destination;  ///< A name, or a transport and a place; empty: the image's own name.
  bool whole_index = false;
  bool is_rehearsal = false;  ///< Asks the registry what is there, and sends nothing.
  std::string format;         ///< "oci", "v2s2"; empty: byte for byte as it is.
  std::string compression;    ///< "gzip", "zstd"; empty: as the layers are.
  std::optional<unsigned> compression_level;
  bool force_compression = false;  ///< Also layers that are compressed that way already.
  std::optional<bool> tls_verify;
  std::string auth_file, creds, cert_dir;
  std::optional<unsigned> retries;  ///< Nothing: as the configuration says.
  std::string retry_delay;
  SigningOptions signing;
};

struct PushedBlob {
  base::Digest digest;
  std::uint64_t size_bytes = 0;
  bool is_there = false;  ///< Before, or taken from another repository of the registry.
};

struct PushedImage {
  base::Digest digest;      ///< Of the manifest or index as it is at the destination.
  std::string destination;  ///< "docker://registry.example/team/app:1"
  std::vector<PushedBlob> blobs;
};

/// Only in engine-transfer. @throws Error not_found, permission, network, unsupported …
PushedImage push(Engine& engine, const PushOptions& options);

}  // namespace engine
