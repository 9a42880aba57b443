#include "registry/credential_helper.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_answer_bytes = 64 * 1024;
constexpr std::size_t max_input_bytes = 32 * 1024;
constexpr std::chrono::seconds helper_limit{30};

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string program_name(const std::string& name) {
  if (!is_helper_name(name))
    throw base::make_error(base::ErrorKind::invalid_argument, "bad name of a credential helper: ", base::quoted(name));
  return base::concat("docker-credential-", name);
}

/// @throws Error unsupported, when it is not installed.
base::Output run_helper(const std::string& name, const char* action, std::string_view input_text) {
  const std::string program = program_name(name);
  const std::optional<std::string> path = base::find_program(program);
  if (!path)
    throw base::make_error(base::ErrorKind::unsupported, "the credential helper ", base::quoted(program),
                           " is not installed");
  if (input_text.size() > max_input_bytes)
    throw base::Error(base::ErrorKind::invalid_argument, "the credentials are too long for a credential helper");
  base::Pipe input = base::make_pipe();  // it holds more than that, so this cannot block
  base::write_all(input.write_end.get(), input_text);
  input.write_end.reset();
  base::Command command;
  command.path = *path;
  command.argv = {program, action};
  command.fds = {{input.read_end.get(), 0}};
  return base::run_and_capture(command, helper_limit, max_answer_bytes);
}

/// Helpers say this on standard output.
bool says_not_found(const base::Output& output) {
  return base::concat(output.out, output.err).find("credentials not found") != std::string::npos;
}

/// Without its standard output, which may hold a secret.
base::Error failure(const std::string& program, const base::Output& output) {
  return base::make_error(base::ErrorKind::permission, "credential helper ", base::quoted(program),
                          " ended with status ", output.status.code, ": ", base::quoted(base::trim(output.err)));
}

}  // namespace

bool is_helper_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), is_name_byte);
}

Credentials parse_helper_answer(std::string_view json, const std::string& helper) {
  const base::JsonAt answer = base::JsonAt::parse(json, base::concat("answer of ", helper), {max_answer_bytes, 8});
  const std::string user = answer.string_or("Username", "");
  const std::string secret = answer.string_or("Secret", "");
  if (user == "<token>") return {.user = {}, .password = {}, .identity_token = secret};
  return {.user = user, .password = secret, .identity_token = {}};
}

std::string helper_server(std::string_view domain) {
  return domain == "docker.io" ? "https://index.docker.io/v1/" : std::string{domain};
}

std::string helper_request(std::string_view server, const Credentials& credentials) {
  const bool is_token = !credentials.identity_token.empty();
  base::JsonWriter json;
  json.begin_object().member("ServerURL", server);
  json.member("Username", is_token ? "<token>" : credentials.user);
  json.member("Secret", is_token ? credentials.identity_token : credentials.password);
  return json.end_object().take();
}

std::optional<Credentials> ask_credential_helper(const std::string& name, std::string_view server) {
  const std::string program = program_name(name);
  if (!base::find_program(program)) {  // often a leftover of another program; public images can be had without it
    base::log(base::LogLevel::warn, "the credential helper ", base::quoted(program), " is not installed");
    return std::nullopt;
  }
  const base::Output output = run_helper(name, "get", base::concat(server, "\n"));
  if (output.status.code == 0) return parse_helper_answer(output.out, program);
  if (says_not_found(output)) return std::nullopt;
  throw failure(program, output);
}

void store_with_helper(const std::string& name, std::string_view server, const Credentials& credentials) {
  const base::Output output = run_helper(name, "store", helper_request(server, credentials));
  if (output.status.code != 0) throw failure(program_name(name), output);
}

bool erase_from_helper(const std::string& name, std::string_view server) {
  const base::Output output = run_helper(name, "erase", base::concat(server, "\n"));
  if (output.status.code == 0) return true;
  if (says_not_found(output)) return false;
  throw failure(program_name(name), output);
}

std::vector<std::string> list_of_helper(const std::string& name) {
  const base::Output output = run_helper(name, "list", "");
  if (output.status.code != 0) throw failure(program_name(name), output);
  const base::JsonAt list =
      base::JsonAt::parse(output.out, base::concat("list of ", program_name(name)), {max_answer_bytes, 8});
  std::vector<std::string> servers;
  for (const auto& [server, user] : list.members()) servers.push_back(server);
  return servers;
}

}  // namespace registry
