#include "engine/container_files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/mode.hpp"
#include "engine/mount_words.hpp"
#include "engine/network.hpp"
#include "rootless/host_address.hpp"
#include "rootless/network.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

// apt makes sure that the user it became is not root any more, which is what the emulation cannot show.
constexpr const char* apt_settings = "APT::Sandbox::User \"root\";\n";

constexpr std::size_t max_host_file_bytes = 1024 * 1024;
constexpr unsigned container_number = 100;  // of the container in the network of slirp4netns

/// A file of /etc of this host, which may be a link (resolv.conf mostly is); empty when it is absent.
std::string read_host_file(const char* path) {
  const base::UniqueFd fd{::open(path, O_RDONLY | O_CLOEXEC)};
  return fd ? base::read_to_end(fd.get(), max_host_file_bytes) : std::string{};
}

/// What /etc/hosts begins with: --hosts-file.
std::string first_hosts(const std::string& file) {
  if (file.empty()) return read_host_file("/etc/hosts");
  if (file == "none") return {};
  const base::UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a FIFO would make us wait
  if (!fd) throw base::os_error("opening --hosts-file ", quoted(file));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    throw make_error(ErrorKind::invalid_argument, "--hosts-file ", quoted(file), " is not a regular file");
  return base::with_context([&] { return base::read_to_end(fd.get(), max_host_file_bytes); }, "reading --hosts-file ",
                            quoted(file));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

void append_line(std::string& text, std::string_view line) {
  text += concat(line, "\n");
}

std::string containerenv(const Engine& engine, const storage::ContainerRecord& record) {
  return concat("engine=\"engine\"\nname=\"", record.name, "\"\nid=\"", record.id, "\"\nimage=\"", record.image_name,
                "\"\nimageid=\"", record.image_id, "\"\nrootless=", engine.host.uid == 0 ? 0 : 1, "\n");
}

struct HostLine {
  std::string_view names;
  std::string_view address;
};

HostLine parse_add_host(std::string_view word) {
  const auto pair = base::split_once(word, ':');
  if (!pair || pair->first.empty() || pair->second.empty() || word.find_first_of("\n \t") != std::string_view::npos)
    throw make_error(ErrorKind::invalid_argument, "--add-host ", quoted(word), " is not NAME[;NAME…]:ADDRESS");
  std::string_view address = pair->second;
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const std::string text{address};
  if (text != "host-gateway" && !rootless::is_ipv4(text) && !rootless::is_ipv6(text))
    throw make_error(ErrorKind::invalid_argument, "--add-host ", quoted(word), ": invalid IP address ",
                     quoted(pair->second));
  return {pair->first, address};
}

bool is_none(const std::vector<std::string>& words) {
  return words.size() == 1 && words.front() == "none";
}

/// What the network already says, or has no use for. Source: podman-run(1) --network.
void check_names_of_network(const RunOptions& options) {
  const bool is_joined = options.network.starts_with("container:");
  if (is_joined && !options.add_hosts.empty())
    throw make_error(ErrorKind::invalid_argument, "--add-host does not go with --network ", options.network)
        .with_hint("the hosts are those of that container");
  if (!is_joined && options.network != "none") return;
  for (const auto& [option, words] :
       {std::pair{"--dns", &options.dns}, {"--dns-search", &options.dns_search}, {"--dns-option", &options.dns_option}})
    if (!words->empty() && !is_none(*words))
      throw make_error(ErrorKind::invalid_argument, option, " does not go with --network ", options.network);
}

/// "." alone is no domain at all.
void check_search_domain(const std::string& domain, bool is_alone) {
  const bool is_clean = domain.find_first_of(" \t\n/:") == std::string::npos && !domain.starts_with('-');
  if (domain == "." ? is_alone : is_clean) return;
  throw make_error(ErrorKind::invalid_argument, "--dns-search ", quoted(domain), " is not a domain")
      .with_hint("--dns-search . alone asks for none");
}

/// --dns-search . asks for no search domain at all.
std::string search_line(const std::vector<std::string>& domains) {
  if (domains.empty() || domains.front().empty() || domains.front() == ".") return {};
  return concat("search ", base::join(domains, " "), "\n");
}

/// What the container is called in a network of its own, and the address of the host there.
HostNames host_names(Engine& engine, const storage::ContainerRecord& record) {
  HostNames names;
  const std::string& configured = engine.config.defaults.host_address;
  names.host = configured.empty() ? rootless::host_address() : configured;
  if (!configured.empty() && !rootless::is_ipv4(configured) && !rootless::is_ipv6(configured))
    throw make_error(ErrorKind::invalid_argument,
                     "host_containers_internal_ip of containers.conf: ", quoted(configured), " is not an IP address");
  if (record.network == "none") names.own = "127.0.0.1";
  if (!rootless::is_user_network(record.network)) return names;
  const rootless::NetworkOptions options = network_options(engine, record);
  if (rootless::choose_helper(options, engine.host) == "slirp4netns") {
    names.own = rootless::slirp_address(options, container_number);
  } else {
    // The container has the host's own address there, and so cannot reach the host by it.
    names.own = std::exchange(names.host, std::string{});
  }
  return names;
}

std::string file_of(const storage::ContainerDir& container, const char* name) {
  const auto fd = base::try_open_file(container.dir.get(), name);
  return fd ? base::read_to_end(fd->get(), max_host_file_bytes) : std::string{};
}

}  // namespace

std::string make_resolv_conf(std::string_view host_text, const RunOptions& options, const std::string& network,
                             const std::string& forwarder) {
  std::string text = search_line(options.dns_search);
  const bool has_forwarder = !forwarder.empty() && options.dns.empty();
  if (has_forwarder) append_line(text, concat("nameserver ", forwarder));
  for (const std::string_view line : base::split(host_text, '\n')) {
    const std::string_view trimmed = base::trim(line);
    if (trimmed.starts_with("search") && options.dns_search.empty()) append_line(text, trimmed);
    if (trimmed.starts_with("options") && options.dns_option.empty()) append_line(text, trimmed);
    if (!trimmed.starts_with("nameserver") || !options.dns.empty()) continue;
    // A loopback server of the host is another machine's loopback to the container, unless it shares the network.
    if (network == "host" || !is_loopback(base::trim(trimmed.substr(10)))) append_line(text, trimmed);
  }
  for (const std::string& server : options.dns) append_line(text, concat("nameserver ", server));
  if (!options.dns_option.empty()) append_line(text, concat("options ", base::join(options.dns_option, " ")));
  return text;
}

std::string make_hosts(std::string_view host_text, const RunOptions& options, const storage::ContainerRecord& record,
                       const HostNames& names) {
  std::string text;
  for (const std::string& word : options.add_hosts) {
    const HostLine line = parse_add_host(word);
    if (line.address == "host-gateway" && names.host.empty())
      throw make_error(ErrorKind::invalid_argument, "--add-host ", quoted(word), ": this network has no host-gateway");
    std::string all{line.names};
    std::replace(all.begin(), all.end(), ';', ' ');
    append_line(text, concat(line.address == "host-gateway" ? std::string_view{names.host} : line.address, "\t", all));
  }
  text += host_text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (host_text.find("localhost") == std::string_view::npos) append_line(text, "127.0.0.1\tlocalhost\n::1\tlocalhost");
  const bool is_named = host_text.find("host.containers.internal") != std::string_view::npos;
  if (!names.host.empty() && !is_named)
    append_line(text, concat(names.host, "\thost.containers.internal host.docker.internal"));
  if (!names.own.empty()) append_line(text, concat(names.own, "\t", record.hostname, " ", record.name));
  return text;
}

void check_name_options(const RunOptions& options) {
  if (options.no_hosts && !options.add_hosts.empty())
    throw make_error(ErrorKind::invalid_argument, "--no-hosts and --add-host cannot be set together");
  if (options.hosts_file == "image")
    throw make_error(ErrorKind::unsupported, "--hosts-file image: the hosts of an image are not read")
        .with_hint("--no-hosts leaves them as they are");
  for (const std::string& word : options.add_hosts) parse_add_host(word);
  check_names_of_network(options);
  for (const std::string& domain : options.dns_search) check_search_domain(domain, options.dns_search.size() == 1);
  if (is_none(options.dns)) {
    if (!options.dns_search.empty() || !options.dns_option.empty())
      throw make_error(ErrorKind::invalid_argument,
                       "--dns none leaves the image's resolv.conf as it is: it cannot be "
                       "combined with --dns-search and --dns-option");
    return;
  }
  for (const std::string& server : options.dns)
    if (!rootless::is_ipv4(server) && !rootless::is_ipv6(server))
      throw make_error(ErrorKind::invalid_argument, "--dns ", quoted(server), " is not an IP address");
}

void write_container_files(Engine& engine, const storage::ContainerDir& container,
                           const storage::ContainerRecord& record, const RunOptions& options) {
  const auto write = [&](const char* name, const std::string& text) {
    base::create_file_exclusively(container.dir.get(), name, text, base::Durability::volatile_, 0644);
  };
  const auto peer = network_peer(engine, record.network);
  HostNames names = host_names(engine, record);
  if (peer) names.own = "127.0.0.1";
  const std::string hosts = peer ? file_of(*peer, "hosts") : first_hosts(options.hosts_file);
  if (!options.no_hosts) write("hosts", make_hosts(hosts, options, record, names));
  if (!options.no_hostname) write("hostname", concat(record.hostname, "\n"));
  const std::string servers = peer ? file_of(*peer, "resolv.conf") : read_host_file("/etc/resolv.conf");
  if (!is_none(options.dns)) {
    const std::string forwarder = rootless::is_user_network(record.network)
                                      ? rootless::forwarder_address(network_options(engine, record), engine.host)
                                      : std::string{};
    write("resolv.conf", make_resolv_conf(servers, options, peer ? "host" : record.network, forwarder));
  }
  write("containerenv", containerenv(engine, record));
  if (emulates_root(engine, options, engine.host.id_map)) write("apt.conf", apt_settings);
}

void flush_container_files(const storage::ContainerDir& container) {
  for (const char* name : {"hosts", "hostname", "resolv.conf", "containerenv", "apt.conf"})
    if (const auto fd = base::try_open_file(container.dir.get(), name)) base::flush(fd->get(), name);
  base::flush(container.dir.get(), "the container's folder");
}

std::vector<std::pair<std::string, std::string>> container_file_mounts(Engine& engine,
                                                                       const storage::ContainerRecord& record,
                                                                       const RunOptions& options) {
  const std::string folder = concat(engine.store().root_path(), "/", storage::layout::container(record.id), "/");
  std::vector<std::pair<std::string, std::string>> mounts;
  if (!options.no_hosts) mounts.emplace_back(folder + "hosts", "/etc/hosts");
  if (!options.no_hostname) mounts.emplace_back(folder + "hostname", "/etc/hostname");
  if (!is_none(options.dns)) mounts.emplace_back(folder + "resolv.conf", "/etc/resolv.conf");
  const std::size_t named = mounts.size();
  for (const std::string& directory : options.chroot_dirs)
    for (std::size_t i = 0; i < named; ++i)
      mounts.emplace_back(mounts[i].first, concat(clean_destination(directory, "--chrootdirs"), mounts[i].second));
  mounts.emplace_back(folder + "containerenv", "/run/.containerenv");
  if (emulates_root(engine, options, engine.host.id_map)) mounts.emplace_back(folder + "apt.conf", apt_settings_place);
  return mounts;
}

}  // namespace engine
