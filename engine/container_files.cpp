#include "engine/container_files.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "rootless/network.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_host_file_bytes = 1024 * 1024;

/// A file of /etc of this host, which may be a link (resolv.conf mostly is); empty when it is absent.
std::string read_host_file(const char* path) {
  const base::UniqueFd fd{::open(path, O_RDONLY | O_CLOEXEC)};
  return fd ? base::read_to_end(fd.get(), max_host_file_bytes) : std::string{};
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

void append_line(std::string& text, std::string_view line) {
  text += concat(line, "\n");
}

std::string containerenv(const storage::ContainerRecord& record) {
  return concat("engine=\"engine\"\nname=\"", record.name, "\"\nid=\"", record.id, "\"\nimage=\"", record.image_name,
                "\"\nimageid=\"", record.image_id, "\"\nrootless=1\n");
}

struct HostLine {
  std::string_view names;
  std::string_view address;
};

HostLine parse_add_host(std::string_view word) {
  const auto pair = base::split_once(word, ':');
  if (!pair || pair->first.empty() || pair->second.empty() || word.find_first_of("\n \t") != std::string_view::npos)
    throw make_error(ErrorKind::invalid_argument, "--add-host ", quoted(word), " is not NAME[;NAME…]:ADDRESS");
  return {pair->first, pair->second};
}

}  // namespace

std::string make_resolv_conf(std::string_view host_text, const RunOptions& options, const std::string& network,
                             const std::string& forwarder) {
  std::string text;
  if (!options.dns_search.empty()) append_line(text, concat("search ", base::join(options.dns_search, " ")));
  for (const std::string_view line : base::split(host_text, '\n')) {
    const std::string_view trimmed = base::trim(line);
    if (trimmed.starts_with("search") && options.dns_search.empty()) append_line(text, trimmed);
    if (trimmed.starts_with("options") && options.dns_option.empty()) append_line(text, trimmed);
    if (!trimmed.starts_with("nameserver") || !options.dns.empty()) continue;
    // A loopback server of the host is another machine's loopback to the container, unless it shares the network.
    if (network == "host" || !is_loopback(base::trim(trimmed.substr(10)))) append_line(text, trimmed);
  }
  if (network == "private" && options.dns.empty() && !forwarder.empty())
    append_line(text, concat("nameserver ", forwarder));
  for (const std::string& server : options.dns) append_line(text, concat("nameserver ", server));
  if (!options.dns_option.empty()) append_line(text, concat("options ", base::join(options.dns_option, " ")));
  return text;
}

std::string make_hosts(std::string_view host_text, const RunOptions& options, const storage::ContainerRecord& record) {
  std::string text;
  for (const std::string& word : options.add_hosts) {
    const HostLine line = parse_add_host(word);
    std::string names{line.names};
    std::replace(names.begin(), names.end(), ';', ' ');
    append_line(text,
                concat(line.address == "host-gateway" ? std::string_view{"10.0.2.2"} : line.address, "\t", names));
  }
  text += host_text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (host_text.find("localhost") == std::string_view::npos) append_line(text, "127.0.0.1\tlocalhost");
  if (record.network == "private") {
    append_line(text, "10.0.2.2\thost.containers.internal host.docker.internal");
    append_line(text, concat("10.0.2.100\t", record.hostname, " ", record.name));
  } else if (record.network == "none") {
    append_line(text, concat("127.0.0.1\t", record.hostname, " ", record.name));
  }
  return text;
}

void write_container_files(Engine& engine, const storage::ContainerDir& container,
                           const storage::ContainerRecord& record, const RunOptions& options) {
  const auto write = [&](const char* name, const std::string& text) {
    base::create_file_exclusively(container.dir.get(), name, text, base::Durability::volatile_, 0644);
  };
  if (!options.no_hosts) write("hosts", make_hosts(read_host_file("/etc/hosts"), options, record));
  write("hostname", concat(record.hostname, "\n"));
  write("resolv.conf", make_resolv_conf(read_host_file("/etc/resolv.conf"), options, record.network,
                                        record.network == "private" ? rootless::forwarder_address(engine.host) : ""));
  write("containerenv", containerenv(record));
}

void flush_container_files(const storage::ContainerDir& container) {
  for (const char* name : {"hosts", "hostname", "resolv.conf", "containerenv"})
    if (const auto fd = base::try_open_file(container.dir.get(), name)) base::flush(fd->get(), name);
  base::flush(container.dir.get(), "the container's folder");
}

std::vector<std::pair<std::string, std::string>> container_file_mounts(Engine& engine,
                                                                       const storage::ContainerRecord& record,
                                                                       const RunOptions& options) {
  const std::string folder = concat(engine.store().root_path(), "/", storage::layout::container(record.id), "/");
  std::vector<std::pair<std::string, std::string>> mounts;
  if (!options.no_hosts) mounts.emplace_back(folder + "hosts", "/etc/hosts");
  mounts.emplace_back(folder + "hostname", "/etc/hostname");
  mounts.emplace_back(folder + "resolv.conf", "/etc/resolv.conf");
  mounts.emplace_back(folder + "containerenv", "/run/.containerenv");
  return mounts;
}

}  // namespace engine
