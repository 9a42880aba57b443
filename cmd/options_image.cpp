#include "cmd/options_image.hpp"

#include "base/error.hpp"
#include "base/oci/platform.hpp"
#include "base/text.hpp"

namespace cmd {

void declare_platform_options(OptionTable& table, PlatformWords& words) {
  table.text("platform", 0, "OS/ARCH[/VARIANT]", words.platform,
             "Take the image for this platform instead of this host's");
  table.text("arch", 0, "ARCH", words.arch, "Take the image for this architecture");
  table.text("os", 0, "OS", words.os, "Take the image for this operating system");
  table.text("variant", 0, "VARIANT", words.variant, "Take the image for this variant of the architecture");
}

std::string joined_platform(const PlatformWords& words) {
  const bool has_parts = !words.arch.empty() || !words.os.empty() || !words.variant.empty();
  if (!words.platform.empty() && has_parts) {
    throw base::Error{base::ErrorKind::invalid_argument, "--platform excludes --arch, --os and --variant"};
  }
  if (!has_parts) return words.platform;
  const oci::Platform host = oci::host_platform();
  const std::string arch = words.arch.empty() ? host.architecture : words.arch;
  std::string joined = base::concat(words.os.empty() ? host.os : words.os, '/', arch);
  if (!words.variant.empty()) joined += base::concat('/', words.variant);
  return joined;
}

void declare_registry_options(OptionTable& table, std::optional<bool>& tls_verify, std::string& auth_file,
                              std::string& creds, std::string& cert_dir) {
  table.flag("tls-verify", 0, tls_verify, "Require HTTPS and check the registry's certificate").defaults_to("true");
  table.text("authfile", 0, "FILE", auth_file, "Where credentials for registries are kept").offers(Completes::files);
  table.text("creds", 0, "USER[:PASSWORD]", creds, "Credentials for the registry");
  table.text("cert-dir", 0, "DIRECTORY", cert_dir, "Certificates and keys for the registry")
      .offers(Completes::directories);
}

}  // namespace cmd
