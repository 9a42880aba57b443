#include "engine/login.hpp"

#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/prompt.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

constexpr std::string_view how_without_terminal = "give --username and --password-stdin";

struct LoginWords {
  engine::LoginOptions options;
  std::optional<std::string> user, password;
  bool password_from_stdin = false;
  bool only_get = false;
  bool verbose = false;
};

void check(const LoginWords& words) {
  const auto refuse = [](const char* what) { throw base::Error(base::ErrorKind::invalid_argument, what); };
  if (words.password_from_stdin && words.password) refuse("--password excludes --password-stdin");
  if (words.password_from_stdin && !words.user) refuse("--password-stdin needs --username");
  if (!words.options.auth_file.empty() && !words.options.docker_file.empty())
    refuse("--authfile excludes --compat-auth-file");
}

int print_login(const engine::KnownLogin& known) {
  if (known.user.empty())
    throw base::make_error(base::ErrorKind::not_found, "not logged into ", known.registry)
        .with_hint(known.has_token ? "a token is kept for it, which names no user" : "");
  print_line(known.user);
  return 0;
}

/// What is kept already is good enough, when nothing else was given.
bool is_logged_in(Invocation& invocation, const LoginWords& words, const engine::KnownLogin& known) {
  if (words.user || words.password || known.user.empty()) return false;
  print_line(base::concat("Authenticating with existing credentials for ", known.registry));
  if (invocation.program.transfer->is_login_valid(invocation.engine(), words.options)) {
    print_line(base::concat("Existing credentials are valid. Already logged in to ", known.registry));
    return true;
  }
  print_line("Existing credentials are invalid, please enter valid username and password");
  return false;
}

std::string user_for(const LoginWords& words, const engine::KnownLogin& known) {
  if (words.user) return *words.user;
  const std::string question =
      known.user.empty() ? std::string{"Username: "} : base::concat("Username (", known.user, "): ");
  std::string typed = ask_line(question);
  return typed.empty() ? known.user : typed;
}

std::string password_for(const LoginWords& words) {
  if (words.password_from_stdin) return read_secret_from_stdin();
  return words.password ? *words.password : ask_secret("Password: ", how_without_terminal);
}

int log_in(Invocation& invocation, const LoginWords& words) {
  check(words);
  const TransferVerbs& verbs = *invocation.program.transfer;
  const engine::KnownLogin known = verbs.find_login(invocation.engine(), words.options);
  if (words.only_get) return print_login(known);
  if (is_logged_in(invocation, words, known)) return 0;
  const std::string user = user_for(words, known);
  const std::string password = password_for(words);
  const std::string kept_in = verbs.log_in(invocation.engine(), words.options, user, password);
  if (words.verbose) print_line(base::concat("Used: ", kept_in));
  print_line("Login Succeeded!");
  return 0;
}

void declare_places(OptionTable& table, engine::LoginOptions& options) {
  table.text("authfile", 0, "FILE", options.auth_file, "Keep the login in this file").offers(Completes::files);
  table.text("compat-auth-file", 0, "FILE", options.docker_file, "Keep it in this file, in docker's form")
      .offers(Completes::files);
}

struct LogoutWords {
  engine::LoginOptions options;
  bool all = false;
};

int log_out(Invocation& invocation, const LogoutWords& words) {
  const TransferVerbs& verbs = *invocation.program.transfer;
  if (words.all) {
    if (!words.options.registry.empty())
      throw base::Error(base::ErrorKind::invalid_argument, "--all takes no registry");
    verbs.log_out_everywhere(invocation.engine(), words.options);
    print_line("Removed login credentials for all registries");
    return 0;
  }
  print_line(base::concat("Removed login credentials for ", verbs.log_out(invocation.engine(), words.options)));
  return 0;
}

}  // namespace

Action declare_login(OptionTable& table) {
  const auto words = std::make_shared<LoginWords>();
  declare_places(table, words->options);
  table.text("cert-dir", 0, "DIRECTORY", words->options.cert_dir, "Certificates and keys for the registry")
      .offers(Completes::directories);
  table.flag("get-login", 0, words->only_get, "Print the user that is logged in, and do nothing");
  table.text("password", 'p', "PASSWORD", words->password, "Password; others can see it in the list of processes");
  table.flag("password-stdin", 0, words->password_from_stdin, "Read the password from standard input");
  table.known("secret", 0, OptionKind::text, Treatment::refused);
  table.flag("tls-verify", 0, words->options.tls_verify, "Require HTTPS and check the registry's certificate")
      .defaults_to("true");
  table.text("username", 'u', "USER", words->user, "User name");
  table.flag("verbose", 'v', words->verbose, "Say where the login is kept");
  table.word("REGISTRY", words->options.registry, "Registry, or a part of it: registry.example/team").at_least = 0;
  return [words](Invocation& invocation) { return log_in(invocation, *words); };
}

Action declare_logout(OptionTable& table) {
  const auto words = std::make_shared<LogoutWords>();
  table.flag("all", 'a', words->all, "Forget all logins");
  declare_places(table, words->options);
  table.word("REGISTRY", words->options.registry, "Registry, or a part of it: registry.example/team").at_least = 0;
  return [words](Invocation& invocation) { return log_out(invocation, *words); };
}

}  // namespace cmd
