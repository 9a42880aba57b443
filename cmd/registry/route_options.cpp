#include "cmd/registry/route_options.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace cmd {
namespace {

/// An auth file that nobody has a login in.
constexpr const char* empty_auth_file = "/dev/null";

engine::RemoteOptions one_side(const RouteWords& words, const engine::RemoteOptions& side, bool is_nobody,
                               const std::string& user, const std::string& password) {
  engine::RemoteOptions result = side;
  if (!result.tls_verify) result.tls_verify = words.both.tls_verify;
  if (result.auth_file.empty()) result.auth_file = words.both.auth_file;
  result.retries = words.both.retries;
  if (!user.empty() || !password.empty()) {
    if (!result.creds.empty())
      throw base::Error(base::ErrorKind::invalid_argument,
                        "credentials are given twice: by --…-creds and by --…-username");
    result.creds = base::concat(user, ':', password);
  }
  if (!is_nobody) return result;
  if (!result.creds.empty()) throw base::Error(base::ErrorKind::invalid_argument, "--…-no-creds excludes credentials");
  result.auth_file = empty_auth_file;
  return result;
}

}  // namespace

void declare_route_options(OptionTable& table, RouteWords& words) {
  table.flag("tls-verify", 0, words.both.tls_verify, "Require HTTPS and check certificates at both ends")
      .defaults_to("true");
  table.flag("src-tls-verify", 0, words.from.tls_verify, "The same for the source").defaults_to("true");
  table.flag("dest-tls-verify", 0, words.to.tls_verify, "The same for the destination").defaults_to("true");
  table.text("authfile", 0, "FILE", words.both.auth_file, "Where credentials for registries are kept")
      .offers(Completes::files);
  table.text("src-authfile", 0, "FILE", words.from.auth_file, "The same for the source").offers(Completes::files);
  table.text("dest-authfile", 0, "FILE", words.to.auth_file, "The same for the destination").offers(Completes::files);
  table.text("src-creds", 0, "USER[:PASSWORD]", words.from.creds, "Credentials for the source");
  table.text("dest-creds", 0, "USER[:PASSWORD]", words.to.creds, "Credentials for the destination");
  table.text("src-username", 0, "USER", words.from_user, "User name for the source");
  table.text("src-password", 0, "PASSWORD", words.from_password, "Password for the source");
  table.text("dest-username", 0, "USER", words.to_user, "User name for the destination");
  table.text("dest-password", 0, "PASSWORD", words.to_password, "Password for the destination");
  table.flag("src-no-creds", 0, words.from_nobody, "Read the source without login");
  table.flag("dest-no-creds", 0, words.to_nobody, "Write to the destination without login");
  table.text("src-cert-dir", 0, "DIRECTORY", words.from.cert_dir, "Certificates and keys for the source")
      .offers(Completes::directories);
  table.text("dest-cert-dir", 0, "DIRECTORY", words.to.cert_dir, "Certificates and keys for the destination")
      .offers(Completes::directories);
  table.number("retry-times", 0, "COUNT", &words.both.retries, "How often to try again after a failure of the network");
}

engine::RemoteOptions source_options(const RouteWords& words) {
  return one_side(words, words.from, words.from_nobody, words.from_user, words.from_password);
}

engine::RemoteOptions destination_options(const RouteWords& words) {
  return one_side(words, words.to, words.to_nobody, words.to_user, words.to_password);
}

}  // namespace cmd
