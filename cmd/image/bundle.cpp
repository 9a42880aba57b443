#include "engine/bundle.hpp"

#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/output.hpp"

namespace cmd {

Action declare_bundle(OptionTable& table) {
  struct Words {
    engine::BundleOptions options;
    PlatformWords platform;
  };
  const auto words = std::make_shared<Words>();
  engine::RunOptions& run = words->options.run;
  table.text("hostname", 0, "NAME", run.hostname, "Host name in the container");
  table.text("network", 0, "MODE", run.network, "none: only loopback; host: the network of the host")
      .choices("none|host");
  table.text("pull", 0, "POLICY", run.pull, "When to fetch the image").choices("always|missing|never|newer");
  table.flag("tty", 't', run.tty, "The process gets a terminal");
  declare_platform_options(table, words->platform);
  declare_registry_options(table, run.tls_verify, run.auth_file, run.creds, run.cert_dir);
  table.word("IMAGE", run.image, "Image to make it of").completes = Completes::images;
  table.word("FOLDER", words->options.folder, "Folder that does not exist yet, or is empty").completes =
      Completes::directories;
  return [words](Invocation& invocation) {
    words->options.run.platform = joined_platform(words->platform);
    print_line(engine::make_bundle(invocation.engine(), words->options));
    return 0;
  };
}

}  // namespace cmd
