#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.hpp"
#include "engine/run_options.hpp"
#include "rootless/ports.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Pure: one word of --publish: [[ip:][hostPort]:]containerPort[/protocol], where ports may be ranges.
/// host_port is 0 where the host shall choose. @throws Error invalid_argument. Source: podman-run(1), --publish.
rootless::PortMapping parse_publish(std::string_view word);

/// Pure: "99", "99-101/udp" of --expose and of an image's EXPOSE, as "99/tcp"; one for each port.
/// @throws Error invalid_argument.
std::vector<std::string> parse_expose(std::string_view word);

/// Pure: sorted, without what is said twice, and with neighbours as one range.
std::vector<rootless::PortMapping> joined_ranges(const std::vector<rootless::PortMapping>& mappings);

/// What -p, -P and --expose mean for a new container: its record's lists of ports. Ports of the host that nobody named
/// are chosen now and kept, as podman does.
/// @throws Error invalid_argument; unsupported for SCTP.
void choose_ports(storage::ContainerRecord& record, const RunOptions& options,
                  const std::vector<std::string>& exposed_by_image);

/// The ports that a container publishes; with --network container: those of the other one.
std::vector<rootless::PortMapping> published_ports(const storage::ContainerRecord& record);
/// The same from the record's list. What cannot be read is left out.
std::vector<rootless::PortMapping> published_ports(const std::vector<std::string>& recorded);

/// "0.0.0.0:8080-8081->80-81/tcp, 0.0.0.0:53->53/udp", as podman's `ps` shows them.
std::string ports_text(const std::vector<rootless::PortMapping>& mappings);

/// Writes {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "99/tcp": null}.
void write_port_map(base::JsonWriter& json, const storage::ContainerRecord& record);

}  // namespace engine
