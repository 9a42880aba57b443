#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Writes hosts, hostname, resolv.conf and .containerenv into the container's folder, from where they are bound into
/// the container: nothing is ever written through a path of the image.
void write_container_files(Engine& engine, const storage::ContainerDir& container,
                           const storage::ContainerRecord& record, const RunOptions& options);

/// Until then power loss may leave them empty, and a container is started with them again and again.
void flush_container_files(const storage::ContainerDir& container);

/// (host path, path in the container) of the files that write_container_files makes.
std::vector<std::pair<std::string, std::string>> container_file_mounts(Engine& engine,
                                                                       const storage::ContainerRecord& record,
                                                                       const RunOptions& options);

/// Pure: the nameservers of the host that can be reached from the container, in resolv.conf form.
std::string make_resolv_conf(std::string_view host_text, const RunOptions& options, const std::string& network,
                             const std::string& forwarder);
/// Addresses that a container's /etc/hosts tells; empty ones are left out.
struct HostNames {
  std::string host;  ///< host.containers.internal
  std::string own;
};

/// Pure: the host's /etc/hosts, host.containers.internal, the container's own name, and --add-host.
/// @throws Error invalid_argument.
std::string make_hosts(std::string_view host_text, const RunOptions& options, const storage::ContainerRecord& record,
                       const HostNames& names);

/// Pure: what is wrong with --add-host, --no-hosts and --dns. @throws Error invalid_argument.
void check_name_options(const RunOptions& options);

}  // namespace engine
