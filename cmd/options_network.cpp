#include "cmd/options_run.hpp"

namespace cmd {

namespace {

void declare_bridge_options(OptionTable& table) {
  for (const std::string_view name : {"ip", "ip6", "mac-address", "network-alias", "link", "link-local-ip"})
    table.known(name, 0, OptionKind::text, Treatment::refused).refusal =
        "needs a network of its own kind (bridge with names): slirp4netns and pasta have one container each";
}

}  // namespace

void declare_network_options(OptionTable& table, engine::RunOptions& options) {
  table.text("network", 0, "MODE", options.network,
             "Network of the container: private, host, none, slirp4netns[:OPTIONS], pasta[:OPTIONS], container:NAME, "
             "ns:PATH");
  table.text("net", 0, "MODE", options.network, "Same as --network").hide();
  table.comma_list("publish", 'p', "[IP:][HOST:]PORT[/PROTOCOL]", options.publish,
                   "Make a port of the container, or a range of them, a port of the host");
  table.flag("publish-all", 'P', options.publish_all, "Publish every exposed port on a random port of the host");
  table.comma_list("expose", 0, "PORT[/PROTOCOL]", options.expose, "Port that --publish-all publishes, too");
  declare_bridge_options(table);
  table.text("hostname", 'h', "NAME", options.hostname, "Host name in the container");
  table.text("domainname", 0, "NAME", options.domainname, "NIS domain name in the container");
  table.flag("no-hostname", 0, options.no_hostname, "Leave the image's /etc/hostname as it is");
  table
      .text("hosts-file", 0, "FILE", options.hosts_file,
            "What /etc/hosts begins with, instead of the host's: a file, or none")
      .offers(Completes::files);
  table.comma_list("add-host", 0, "NAME:IP", options.add_hosts,
                   "Add a line to /etc/hosts; host-gateway is the host's address");
  table.flag("no-hosts", 0, options.no_hosts, "Leave the image's /etc/hosts as it is");
  table.comma_list("dns", 0, "IP", options.dns,
                   "Name server to use instead of the host's; none: leave the image's resolv.conf");
  table.comma_list("dns-search", 0, "DOMAIN", options.dns_search,
                   "Search domain to use instead of the host's; . is none");
  table.comma_list("dns-option", 0, "OPTION", options.dns_option, "Option for /etc/resolv.conf");
  table.comma_list("dns-opt", 0, "OPTION", options.dns_option, "Same as --dns-option").hide();
}

}  // namespace cmd
