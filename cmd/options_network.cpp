#include "cmd/options_run.hpp"

namespace cmd {

void declare_network_options(OptionTable& table, engine::RunOptions& options) {
  table.text("network", 0, "MODE", options.network, "Network of the container: private, host or none");
  table.text("net", 0, "MODE", options.network, "Same as --network").hide();
  table.text("hostname", 'h', "NAME", options.hostname, "Host name in the container");
  table.comma_list("add-host", 0, "NAME:IP", options.add_hosts, "Add a line to /etc/hosts");
  table.flag("no-hosts", 0, options.no_hosts, "Leave the image's /etc/hosts as it is");
  table.comma_list("dns", 0, "IP", options.dns, "Name server to use instead of the host's");
  table.comma_list("dns-search", 0, "DOMAIN", options.dns_search, "Search domain to use instead of the host's");
  table.comma_list("dns-option", 0, "OPTION", options.dns_option, "Option for /etc/resolv.conf");
  table.comma_list("dns-opt", 0, "OPTION", options.dns_option, "Same as --dns-option").hide();
}

}  // namespace cmd
