// The network of containers, and the way to registries.
#include <algorithm>

#include "base/text.hpp"
#include "engine/host_checks.hpp"

namespace engine {
namespace {

using base::concat;

CheckResult network_helper(const HostView& host) {
  const std::string problem = host.uid == 0 ? "" : host.probes.network_helper();
  if (problem.empty()) return {.evidence = "there is one, and it works"};
  if (problem.find("/dev/net/tun") != std::string::npos)
    return {.status = CheckStatus::warning,
            .evidence = problem,
            .consequence = "containers have no network but their loopback, unless --network host",
            .remedy = "see /dev/net/tun below"};
  if (problem.find("installed") == std::string::npos)
    return {.status = CheckStatus::warning,
            .evidence = concat("it does not start: ", problem),
            .consequence = "containers that want a network fail, unless --network host or none",
            .remedy = "install the other one (slirp4netns, pasta), or see what its own messages mean"};
  return {.status = CheckStatus::warning,
          .evidence = problem,
          .consequence = "containers have no network but their loopback, unless --network host",
          .remedy = "sudo apt-get install slirp4netns   # or passt; and /dev/net/tun open to users",
          .script = "apt-get install slirp4netns",
          .needs_root = true};
}

CheckResult dev_tun(const HostView& host) {
  const std::string problem = host.probes.open_tun();
  if (problem.empty()) return {.evidence = "/dev/net/tun can be opened"};
  return {.status = CheckStatus::warning,
          .evidence = problem,
          .consequence = "containers have no network but their loopback, unless --network host",
          .remedy = "sudo modprobe tun && sudo chmod 666 /dev/net/tun; in a container: --device /dev/net/tun",
          .script = "modprobe tun\nchmod 666 /dev/net/tun",
          .needs_root = true};
}

CheckResult ping(const HostView& host) {
  std::string text = host.read("/proc/sys/net/ipv4/ping_group_range").value_or("");
  std::replace(text.begin(), text.end(), '\t', ' ');
  const auto range = base::split_once(base::trim(text), ' ');
  const auto first = range ? base::parse_unsigned(base::trim(range->first)) : std::nullopt;
  const auto last = range ? base::parse_unsigned(base::trim(range->second)) : std::nullopt;
  if (!first || !last || *first <= *last) return {.evidence = "ordinary users may ping"};
  return {.status = CheckStatus::note,
          .evidence = concat("net.ipv4.ping_group_range is \"", base::trim(text), "\": empty"),
          .consequence = "ping fails in containers with slirp4netns or --network host",
          .remedy = "sudo sysctl -w 'net.ipv4.ping_group_range=0 2147483647'",
          .script = "sysctl -w 'net.ipv4.ping_group_range=0 2147483647'",
          .needs_root = true};
}

CheckResult low_ports(const HostView& host) {
  const auto first =
      base::parse_unsigned(base::trim(host.read("/proc/sys/net/ipv4/ip_unprivileged_port_start").value_or("1024")));
  if (host.uid == 0 || !first || *first <= 80) return {.evidence = "port 80 may be published"};
  return {.status = CheckStatus::note,
          .evidence = concat("net.ipv4.ip_unprivileged_port_start is ", *first),
          .consequence = concat("-p cannot publish on host ports below ", *first),
          .remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80, or -p 8080:80",
          .script = "sysctl -w net.ipv4.ip_unprivileged_port_start=80",
          .needs_root = true};
}

CheckResult name_servers(const HostView& host) {
  const std::string text = host.read("/etc/resolv.conf").value_or("");
  for (const std::string_view line : base::split(text, '\n'))
    if (base::trim(line).starts_with("nameserver")) return {.evidence = "/etc/resolv.conf names one"};
  return {.status = CheckStatus::warning,
          .evidence = "/etc/resolv.conf names no server",
          .consequence = "registries are not found by name, neither are hosts in containers without --dns",
          .remedy = "echo nameserver ADDRESS | sudo tee -a /etc/resolv.conf"};
}

/// Source: systemd-resolved.service(8): 127.0.0.53 is its stub, and where it writes the servers behind it.
CheckResult local_name_server(const HostView& host) {
  std::vector<std::string> servers;
  const std::string text = host.read("/etc/resolv.conf").value_or("");
  for (const std::string_view line : base::split(text, '\n'))
    if (base::trim(line).starts_with("nameserver"))
      servers.emplace_back(base::trim(base::trim(line).substr(sizeof "nameserver" - 1)));
  const bool is_local = !servers.empty() && std::all_of(servers.begin(), servers.end(), [](const auto& server) {
    return server.starts_with("127.") || server == "::1";
  });
  if (!is_local) return {.evidence = "no server is only on this host's loopback"};
  if (servers.front() == "127.0.0.53" && !host.look("/run/systemd/resolve"))
    return {.status = CheckStatus::warning,
            .evidence = "/etc/resolv.conf names 127.0.0.53, and systemd-resolved does not run",
            .consequence = "no name is found, neither here nor in containers without --dns",
            .remedy = "sudo systemctl start systemd-resolved, or another server in /etc/resolv.conf"};
  return {.status = CheckStatus::note,
          .evidence = concat("/etc/resolv.conf names only ", base::join(servers, ", "), ", on this host's loopback"),
          .consequence = "containers ask it by way of slirp4netns or pasta; with --network ns: they cannot",
          .remedy = "--dns ADDRESS for those, of a server in /run/systemd/resolve/resolv.conf, for example"};
}

CheckResult certificates(const HostView& host) {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    if (const auto text = host.read(path); text && text->find("BEGIN CERTIFICATE") != std::string::npos)
      return {.evidence = path};
  if (host.environment("SSL_CERT_FILE") || host.environment("SSL_CERT_DIR"))
    return {.evidence = "SSL_CERT_FILE or SSL_CERT_DIR names them"};
  return {.status = CheckStatus::warning,
          .evidence = "no certificates of authorities are installed",
          .consequence = "no registry on the internet can be trusted: pulls fail",
          .remedy = "sudo apt-get install ca-certificates",
          .script = "apt-get install ca-certificates",
          .needs_root = true};
}

CheckResult proxies(const HostView& host) {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const std::string value = host.environment(name).value_or("");
    if (value.empty()) continue;
    const std::size_t scheme = value.find("://");
    const std::string rest = scheme == std::string::npos ? value : value.substr(scheme + 3);
    if (rest.empty() || rest.front() == '/' || rest.find(' ') != std::string::npos)
      return {.status = CheckStatus::warning,
              .evidence = concat(name, "=", base::quoted(value), " is no address of a proxy"),
              .consequence = "registries cannot be reached",
              .remedy = concat("export ", name, "=http://HOST:PORT")};
    return {.status = CheckStatus::note,
            .evidence = concat("registries are reached by way of ", name, "=", rest.substr(rest.rfind('@') + 1))};
  }
  return {.evidence = "none is set"};
}

}  // namespace

const std::vector<HostCheck>& network_checks() {
  static const std::vector<HostCheck> checks{
      {"network-helper", "the network of containers", network_helper},
      {"dev-tun", "/dev/net/tun", dev_tun},
      {"ping", "ping", ping},
      {"low-ports", "published ports", low_ports},
      {"name-servers", "name servers", name_servers},
      {"local-name-server", "the name server of this host", local_name_server},
      {"certificates", "certificates", certificates},
      {"proxies", "proxies", proxies},
  };
  return checks;
}

}  // namespace engine
