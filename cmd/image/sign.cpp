#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/image_trust.hpp"

namespace cmd {
namespace {

struct SignWords {
  engine::SignOptions options;
  std::vector<std::string> images;
};

}  // namespace

Action declare_image_sign(OptionTable& table) {
  const auto words = std::make_shared<SignWords>();
  engine::SignOptions& options = words->options;
  table.flag("all", 'a', options.all, "Sign every image of one for several platforms, too");
  table.text("directory", 'd', "DIRECTORY", options.directory, "Where signatures go; else as registries.d says")
      .offers(Completes::directories);
  table.text("sign-by", 0, "KEY", options.gpg_key, "The key of GPG to sign with");
  table.flag("tls-verify", 0, options.remote.tls_verify, "Require HTTPS and check the registry's certificate")
      .defaults_to("true");
  table.text("authfile", 0, "FILE", options.remote.auth_file, "Where credentials for registries are kept")
      .offers(Completes::files);
  table.text("cert-dir", 0, "DIRECTORY", options.remote.cert_dir, "Certificates and keys for the registry")
      .offers(Completes::directories);
  table.words("IMAGE", words->images, 1, "Name of the image, in the store or with docker:// in its registry")
      .completes = Completes::images;
  return [words](Invocation& invocation) {
    if (words->options.gpg_key.empty())
      throw base::Error(base::ErrorKind::invalid_argument, "please provide an identity: --sign-by names the key");
    return for_each_name(words->images, [&](const std::string& image) {
      words->options.image = image;
      invocation.program.transfer->sign_image(invocation.engine(), words->options);
    });
  };
}

}  // namespace cmd
