#include "engine/process_of_image.hpp"

#include <array>
#include <cctype>
#include <fcntl.h>
#include <filesystem>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_env_file_bytes = 4 * 1024 * 1024;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::array proxy_variables{"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
                                     "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};

std::vector<std::string> parse_entrypoint(const std::string& text) {
  if (text.empty()) return {};
  if (text.starts_with('[')) {
    try {
      return base::JsonAt::parse(text, "--entrypoint").strings();
    } catch (const base::Error&) {
      // podman takes a word such as "[" as the program's name
    }
  }
  return {text};
}

std::string read_env_file(const std::string& path) {
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening env file ", quoted(path));
  return base::with_context([&] { return base::read_to_end(fd.get(), max_env_file_bytes); }, "env file ", quoted(path));
}

/// Source: podman-run(1) "--env-merge"; what Go's os.Expand takes for a name.
std::string expanded(std::string_view text, const Environment& environment) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_braced = text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t start = at + (is_braced ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    const bool is_closed = !is_braced || (end < text.size() && text[end] == '}');
    if (text[at] != '$' || end == start || !is_closed) {
      result += text[at];
      continue;
    }
    result += environment.get(text.substr(start, end - start));
    at = is_braced ? end : end - 1;
  }
  return result;
}

void merge(Environment& environment, const std::string& word) {
  const auto pair = base::split_once(word, '=');
  if (!pair || pair->first.empty())
    throw make_error(ErrorKind::invalid_argument, "--env-merge ", quoted(word), " is not NAME=VALUE");
  environment.set(pair->first, expanded(pair->second, environment));
}

void set_unless_there(Environment& environment, std::string_view name, std::string_view value) {
  if (!environment.has(name)) environment.set(name, value);
}

}  // namespace

std::vector<std::string> container_entrypoint(const RunOptions& options, const oci::ImageConfig& image) {
  return options.entrypoint ? parse_entrypoint(*options.entrypoint) : image.entrypoint;
}

std::vector<std::string> container_command(const RunOptions& options, const oci::ImageConfig& image) {
  std::vector<std::string> argv = container_entrypoint(options, image);
  const bool uses_image_command = options.arguments.empty() && !options.entrypoint;
  const auto& rest = uses_image_command ? image.cmd : options.arguments;
  argv.insert(argv.end(), rest.begin(), rest.end());
  if (argv.empty())
    throw make_error(ErrorKind::invalid_argument,
                     "no command or entrypoint given, and the image has no CMD or ENTRYPOINT")
        .with_hint("name the command after the image: engine run IMAGE COMMAND");
  for (const std::string& word : argv)
    if (word.find('\0') != std::string::npos)
      throw make_error(ErrorKind::invalid_argument, "the command contains a NUL byte");
  if (argv.front().empty()) throw make_error(ErrorKind::command_not_found, "\"\": executable file not found in $PATH");
  return argv;
}

Environment container_environment(const RunOptions& options, const oci::ImageConfig& image, const ResolvedUser& user,
                                  const std::string& hostname, const std::vector<std::string>& host,
                                  const std::vector<std::string>& configured) {
  Environment environment;
  environment.set("PATH", default_path);
  // The value that systemd and others in a container know; "engine" would be an unknown kind of container to them.
  environment.set("container", "podman");
  if (options.tty) environment.set("TERM", "xterm");
  for (const std::string& assignment : configured) environment.set_assignment(assignment);
  if (options.http_proxy)
    for (const char* name : proxy_variables) apply_env_word(environment, name, host);
  if (options.env_host)
    for (const std::string& assignment : host) environment.set_assignment(assignment);
  for (const std::string& assignment : image.env) environment.set_assignment(assignment);
  for (const std::string& word : options.env_merge) merge(environment, word);
  for (const std::string& name : options.unsetenv) environment.unset(name);
  if (options.unsetenv_all) environment = {};
  for (const std::string& file : options.env_files) apply_env_file(environment, read_env_file(file), file, host);
  for (const std::string& word : options.env) apply_env_word(environment, word, host);
  set_unless_there(environment, "HOME", user.home);
  set_unless_there(environment, "HOSTNAME", hostname);
  return environment;
}

std::string container_work_dir(const RunOptions& options, const oci::ImageConfig& image) {
  const std::string& wanted = options.work_dir.empty() ? image.working_dir : options.work_dir;
  if (wanted.empty()) return "/";
  if (!wanted.starts_with('/'))
    throw make_error(ErrorKind::invalid_argument, "working directory ", quoted(wanted), " is not an absolute path");
  if (wanted.find('\0') != std::string::npos)
    throw make_error(ErrorKind::invalid_argument, "working directory contains a NUL byte");
  // As podman: "/a/../b" is "/b", whatever links there are.
  std::string clean = std::filesystem::path{wanted}.lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

}  // namespace engine
