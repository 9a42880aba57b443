#include "registry/credential_helper.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_answer_bytes = 64 * 1024;
constexpr std::chrono::seconds helper_limit{30};

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
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

std::optional<Credentials> ask_credential_helper(const std::string& name, std::string_view server) {
  if (!is_helper_name(name))
    throw base::make_error(base::ErrorKind::invalid_argument, "bad name of a credential helper: ", base::quoted(name));
  const std::string program = base::concat("docker-credential-", name);
  const std::optional<std::string> path = base::find_program(program);
  if (!path) {  // often a leftover of another program; public images can be had without it
    base::log(base::LogLevel::warn, "the auth file names the credential helper ", base::quoted(program),
              ", which is not installed");
    return std::nullopt;
  }
  // A host name fits into the pipe, so this cannot block.
  base::Pipe input = base::make_pipe();
  base::write_all(input.write_end.get(), base::concat(server, "\n"));
  input.write_end.reset();
  base::Command command;
  command.path = *path;
  command.argv = {program, "get"};
  command.fds = {{input.read_end.get(), 0}};
  const base::Output output = base::run_and_capture(command, helper_limit, max_answer_bytes);
  if (output.status.code == 0) return parse_helper_answer(output.out, program);
  const std::string said = base::concat(output.out, output.err);
  if (said.find("credentials not found") != std::string::npos) return std::nullopt;
  throw base::make_error(base::ErrorKind::permission, "credential helper ", base::quoted(program),
                         " ended with status ", output.status.code, ": ", base::quoted(base::trim(output.err)));
}

}  // namespace registry
