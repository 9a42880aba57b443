#include "engine/image_scp.hpp"

#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

constexpr std::string_view at_localhost = "@localhost";

/// A name or an id, of which no shell thinks anything.
void require_image(const std::string& image) {
  for (const char byte : image) {
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') ||
                          std::string_view{"._-/:@"}.find(byte) != std::string_view::npos;
    if (!is_plain || image.front() == '-')
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(image), " is no name of an image")
          .with_hint("engine image scp [HOST::]IMAGE [HOST::]");
  }
}

/// For the shell of another host: whichever engine there is. The words are plain (require_image).
std::string remote_script(const std::string& words_of_ours, const std::string& words_of_podman) {
  return base::concat("if command -v engine >/dev/null 2>&1; then exec engine ", words_of_ours, "; else exec podman ",
                      words_of_podman, "; fi");
}

std::string required(const char* program, const char* why) {
  if (auto path = base::find_program(program)) return std::move(*path);
  throw base::make_error(base::ErrorKind::unsupported, why, " needs the program ", program, ", which is not installed");
}

/// A pipe of ours is not another user's to be opened by its name in /dev, which `load` does: `cat` stands between.
std::string script_for_user(const std::string& program, const std::vector<std::string>& words) {
  return base::concat(words.front() == "load" ? "cat | " : "exec ", "'", program, "' ", base::join(words, " "));
}

/// With the user's own environment, in which the store is looked for.
std::vector<std::string> as_user(const Engine& engine, const std::string& user, const std::string& script) {
  if (engine.host.uid == 0) return {"runuser", "-l", user, "-c", script};
  return {"sudo", "-i", "-u", user, "--", "/bin/sh", "-c", script};
}

/// `words` of ours at that place; `podman_words` where only podman is.
base::Command command_at(const Engine& engine, const ScpPlace& place, const std::vector<std::string>& words,
                         const std::string& podman_words) {
  base::Command command;
  if (!place.host.empty()) {
    command.path = required("ssh", "another host");
    command.argv = {"ssh", "--", place.host, remote_script(base::join(words, " "), podman_words)};
    return command;
  }
  const std::string program = path_of_own_program("engine");
  if (place.user.empty()) {
    command.path = program;
    command.argv = {"engine"};
    for (std::string& option : same_store_options(engine)) command.argv.push_back(std::move(option));
  } else {
    command.path = required(engine.host.uid == 0 ? "runuser" : "sudo", "another user");
    command.argv = as_user(engine, place.user, script_for_user(program, words));
    return command;
  }
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return command;
}

base::Command save_at(const Engine& engine, const ScpPlace& place) {
  return command_at(engine, place, {"save", "--quiet", "--format", "oci-archive", place.image},
                    base::concat("save --quiet --format oci-archive ", place.image));
}

base::Command load_at(const Engine& engine, const ScpPlace& place, bool quiet) {
  std::vector<std::string> words{"load"};
  if (quiet) words.emplace_back("--quiet");
  return command_at(engine, place, words, quiet ? "load --quiet" : "load");
}

ScpPlace destination_of(const Engine& engine, const ScpOptions& options, const ScpPlace& source) {
  if (!options.destination.empty()) return parse_scp_place(options.destination);
  // As with podman: what is here goes to the other user of this machine that there always is.
  if (!source.is_here()) return {};
  if (engine.host.uid != 0) return {.host = {}, .user = "root", .image = {}};
  throw base::Error(base::ErrorKind::invalid_argument, "nobody is named to copy the image to")
      .with_hint("engine image scp IMAGE USER@localhost::, or HOST::");
}

void require_success(base::Child& child, const char* what) {
  const base::ExitStatus status = child.wait();
  if (status.code == 0) return;
  // One that ended by itself has told the user already; an empty message adds nothing to that.
  if (!status.signalled) throw base::Error(base::ErrorKind::network, "");
  throw base::make_error(base::ErrorKind::network, what, " the image ended by signal ", status.code - 128);
}

}  // namespace

ScpPlace parse_scp_place(const std::string& typed) {
  ScpPlace place;
  const std::size_t mark = typed.find("::");
  place.image = mark == std::string::npos ? typed : typed.substr(mark + 2);
  std::string host = mark == std::string::npos ? "" : typed.substr(0, mark);
  if (mark == 0 || host.starts_with('-') || host.starts_with('@'))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(typed), " names no host")
        .with_hint("engine image scp [HOST::]IMAGE [HOST::]");
  if (host.ends_with(at_localhost)) {
    place.user = host.substr(0, host.size() - at_localhost.size());
  } else {
    place.host = std::move(host);
  }
  require_image(place.image);
  return place;
}

void scp_image(Engine& engine, const ScpOptions& options) {
  const ScpPlace source = parse_scp_place(options.source);
  if (source.image.empty()) throw base::Error(base::ErrorKind::invalid_argument, "no image is named to be copied");
  const ScpPlace destination = destination_of(engine, options, source);
  if (!destination.image.empty())
    throw base::make_error(base::ErrorKind::invalid_argument,
                           "the image keeps its name: ", base::quoted(destination.image), " cannot be given to it")
        .with_hint("a destination ends with two colons: HOST::");
  base::Pipe pipe = base::make_pipe();
  base::Command save = save_at(engine, source);
  save.fds = {{pipe.write_end.get(), 1}};
  save.null_stdin = source.host.empty();
  base::Command load = load_at(engine, destination, options.quiet);
  load.fds = {{pipe.read_end.get(), 0}};
  base::Child from = base::spawn(save);
  base::Child to = base::spawn(load);
  pipe.read_end.reset();
  require_success(from, "saving");
  pipe.write_end.reset();  // only now: what is cut short must not look like an archive that has come to its end
  require_success(to, "loading");
}

}  // namespace engine
