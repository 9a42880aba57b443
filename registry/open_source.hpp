#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/image_source.hpp"
#include "registry/network_limits.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// How to reach registries; filled by engine/config and the command's options.
struct RegistryOptions {
  std::optional<bool> tls_verify;  ///< --tls-verify; false also permits plain HTTP. Unset: registries.conf decides.
  std::string cert_dir;            ///< --cert-dir; empty: certs.d folders.
  std::string auth_file;           ///< --authfile; empty: the usual places.
  std::string credentials;         ///< --creds user[:password]
  std::vector<std::string> registries_conf;  ///< Files to merge, lowest priority first.
  std::vector<std::string> auth_files;       ///< Read in this order when auth_file is empty.
  std::vector<std::string> certs_dirs;       ///< .../certs.d folders, first hit wins.
  unsigned retries = 3;
  NetworkLimits network;
  std::string user_agent = "engine";
  SpoolPlace spool;  ///< Of archives.
};

/// "docker://name", "name", "oci:path[:tag]", "oci-archive:path[:tag]", "docker-archive:path[:ref]", "dir:path",
/// docker-archive without prefix for nothing. @throws Error invalid_argument for an unknown transport.
struct SourceName {
  std::string transport;  ///< "docker", "oci", "oci-archive", "docker-archive", "dir"
  std::string rest;
};
/// Splits off a transport prefix; a name without one is "docker".
SourceName parse_source_name(std::string_view text);

/// For transport docker: the fully qualified candidates for what the user typed, by short-name aliases, built-in
/// aliases and unqualified-search-registries; docker.io when there is no registries.conf.
std::vector<std::string> resolve_short_name(std::string_view name, const RegistryOptions& options);

/// Opens a source. For docker `name.rest` must be fully qualified, and nothing is fetched yet; of an archive or layout
/// the table of contents is read. Thread-safe afterwards.
std::unique_ptr<ImageSource> open_source(const SourceName& name, const RegistryOptions& options);

}  // namespace registry
