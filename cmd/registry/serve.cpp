#include "engine/serve.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {

Action declare_serve(OptionTable& table) {
  const auto options = std::make_shared<engine::ServeOptions>();
  table.text("addr", 0, "ADDRESS:PORT", options->address, "Where to listen; port 0 takes any that is free");
  table.text("cert", 0, "FILE", options->certificate, "Speak HTTPS with this certificate").offers(Completes::files);
  table.text("key", 0, "FILE", options->key, "The certificate's key").offers(Completes::files);
  table.number("connections", 0, "COUNT", &options->max_connections, "How many clients are served at once");
  table.number("connections-per-address", 0, "COUNT", &options->max_connections_per_address,
               "How many of them may come from one IP address (default: a quarter, loopback all)");
  table.text("pull-through", 0, "REGISTRY", options->pull_through, "Offer what this registry has, through a cache");
  table.text("cache", 0, "DIRECTORY", options->cache, "Where that cache is").offers(Completes::directories);
  table.text("cache-size", 0, "SIZE", options->cache_size, "How much it keeps; 0: no limit");
  declare_remote_options(table, options->remote);
  return [options](Invocation& invocation) {
    invocation.program.transfer->serve(invocation.engine(), *options, [](const std::string& url) { print_line(url); });
    return 0;
  };
}

}  // namespace cmd
