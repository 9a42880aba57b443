#include "cmd/registry/options.hpp"

#include "cmd/options_image.hpp"

namespace cmd {

void declare_remote_options(OptionTable& table, engine::RemoteOptions& options) {
  declare_registry_options(table, options.tls_verify, options.auth_file, options.creds, options.cert_dir);
  table.number("retry", 0, "COUNT", &options.retries, "How often to try again after a failure of the network");
}

}  // namespace cmd
