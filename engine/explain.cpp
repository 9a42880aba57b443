#include "engine/explain.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "rootless/id_ranges.hpp"
#include "rootless/places.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr const char* file_name = "last-failure";
constexpr std::size_t max_file_bytes = 64 * 1024;

std::vector<Diagnosis> causes_of(Engine& engine, const FailureKind& kind) {
  std::vector<Diagnosis> causes;
  const HostView host = view_of_host(engine);
  for (const HostCheck& check : host_checks()) {
    if (std::find(kind.checks.begin(), kind.checks.end(), check.id) == kind.checks.end()) continue;
    Diagnosis finding{std::string{check.id}, std::string{check.title}, run_check(check, host)};
    if (finding.result.status != CheckStatus::ok) causes.push_back(std::move(finding));
  }
  return causes;
}

bool has_all(std::string_view message, std::span<const std::string_view> words) {
  return std::all_of(words.begin(), words.end(),
                     [&](std::string_view word) { return message.find(word) != std::string_view::npos; });
}

std::string id_inside(const std::vector<rootless::IdRange>& ranges, std::uint32_t id) {
  const auto inside = rootless::map_in(ranges, id);
  return inside ? std::to_string(*inside) : "nobody";
}

/// A line for one component; adds what is wrong with it to `problem`, unless something was before.
std::string component_line(const Engine& engine, const std::string& path, bool is_last, std::string& problem) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const std::string why = base::os_error(path).message();
    if (problem.empty())
      problem = errno == ENOENT
                    ? concat("it is not there: mkdir -p ", path, ", or let -v make it as a volume by a name")
                    : concat("it cannot be reached: ", why);
    return why;
  }
  const bool may_enter = ::access(path.c_str(), S_ISDIR(info.st_mode) ? X_OK : R_OK) == 0;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", info.st_mode & 07777U);
  const std::string inside = id_inside(engine.host.id_map.uids, info.st_uid);
  if (!may_enter && problem.empty())
    problem = concat("you may not ", S_ISDIR(info.st_mode) ? "enter " : "read ", path,
                     " yourself: neither may a container; chmod o+", S_ISDIR(info.st_mode) ? "x " : "r ", path,
                     ", or another place");
  if (is_last && inside == "nobody" && problem.empty())
    problem = concat(path, " belongs to uid ", info.st_uid,
                     ", which containers of yours do not have: they see nobody, and may do what others may (mode ",
                     mode, "); to let them write: engine unshare chown, or --userns keep-id for files of your own");
  return concat(path, ": mode ", mode, ", owner ", info.st_uid, ':', info.st_gid, ", in a container ", inside, ':',
                id_inside(engine.host.id_map.gids, info.st_gid));
}

}  // namespace

const FailureKind* kind_of_failure(std::string_view message) {
  for (const FailureKind& kind : known_failures())
    if (has_all(message, kind.words)) return &kind;
  return nullptr;
}

void remember_failure(const GlobalOptions& options, const std::string& command, const base::Error& error) noexcept {
  if (error.message().empty()) return;  // a child of ours knew more, and has noted it
  try {
    const std::string run =
        options.runroot.empty()
            ? rootless::find_places(::geteuid(), rootless::environment("HOME").value_or("/")).run + "/engine"
            : options.runroot;
    const auto folder = base::try_open_directory(AT_FDCWD, run);
    if (!folder) return;
    base::JsonWriter json;
    json.begin_object().member("command", command).member("message", error.message()).member("hint", error.hint());
    json.member("time", base::format_rfc3339(base::now())).end_object();
    base::write_file_atomically(folder->get(), file_name, json.text(), base::Durability::volatile_);
  } catch (const std::exception&) {
    return;  // the failure itself is what the user has to read
  }
}

std::optional<LastFailure> last_failure(const Engine& engine) {
  const auto folder = base::try_open_directory(AT_FDCWD, engine.config.run);
  const auto text = folder ? base::try_read_file(folder->get(), file_name, max_file_bytes) : std::nullopt;
  if (!text) return std::nullopt;
  const base::JsonAt json = base::JsonAt::parse(*text, file_name);
  return LastFailure{json.string_or("command", ""), json.string_or("message", ""), json.string_or("hint", ""),
                     json.string_or("time", "")};
}

Explanation explain(Engine& engine, const std::string& what) {
  Explanation explanation;
  if (what == "LAST") {
    explanation.failure = last_failure(engine);
    if (!explanation.failure)
      throw make_error(ErrorKind::not_found, "no command has failed since the host started")
          .with_hint("engine explain --list shows what can be explained");
    explanation.kind = kind_of_failure(explanation.failure->message);
  } else {
    const auto kinds = known_failures();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const FailureKind& one) { return one.id == what; });
    if (kind == kinds.end())
      throw make_error(ErrorKind::not_found, "nothing is known of ", quoted(what))
          .with_hint("engine explain --list shows what can be explained");
    explanation.kind = &*kind;
  }
  if (explanation.kind != nullptr) explanation.causes = causes_of(engine, *explanation.kind);
  return explanation;
}

std::vector<std::string> explain_mount(Engine& engine, const std::string& path) {
  if (path.empty() || path.front() != '/')
    throw make_error(ErrorKind::invalid_argument, quoted(path), " is not an absolute path");
  std::vector<std::string> lines;
  std::string problem;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const bool is_last = end == std::string::npos || end + 1 == path.size();
    lines.push_back(component_line(engine, path.substr(0, end), is_last, problem));
    if (is_last || !problem.empty()) break;
  }
  lines.push_back(problem.empty()
                      ? "nothing is in the way: a container can use it with -v, and its root can do what you can"
                      : "cause: " + problem);
  return lines;
}

}  // namespace engine
