#include "cmd/oci_state.hpp"

#include <algorithm>
#include <fcntl.h>
#include <regex>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "cmd/oci_folder.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::size_t max_id_bytes = 200;

bool is_id_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '.' || c == '-';
}

bool is_oci_id(const std::string& id) {
  return !id.empty() && id.size() <= max_id_bytes && id != "." && id != ".." &&
         std::all_of(id.begin(), id.end(), is_id_byte);
}

std::optional<OciContainer> try_open(const std::optional<base::UniqueFd>& root, const std::string& id) {
  auto dir = root ? base::try_open_directory(root->get(), id) : std::nullopt;
  if (!dir) return std::nullopt;
  const auto text = base::try_read_file(dir->get(), state_file, max_oci_state_bytes);
  if (!text) return std::nullopt;
  OciContainer container;
  container.state = parse_oci_state(*text, id);
  container.dir = std::move(*dir);
  return container;
}

bool is_paused(const OciState& state) {
  return runtime::Cgroup::open(state.cgroup)->is_frozen();
}

std::regex parse_regex(const std::string& text) {
  try {
    return std::regex{text, std::regex::extended | std::regex::nosubs};
  } catch (const std::regex_error&) {
    throw make_error(ErrorKind::invalid_argument, base::quoted(text), " is not an extended regular expression");
  }
}

struct Look {
  std::string status;
  base::UniqueFd process;  ///< Empty when there is none.
};

Look look_at(const OciContainer& container) {
  if (container.state.is_creating) return {.status = "creating", .process = {}};
  base::UniqueFd process = open_oci_process(container.state);
  if (!process) return {.status = "stopped", .process = {}};
  const char* status = "running";
  if (waits_for_start(container.dir.get()))
    status = "created";
  else if (is_paused(container.state))
    status = "paused";
  return {.status = status, .process = std::move(process)};
}

base::Error no_container(const std::string& id) {
  return make_error(ErrorKind::not_found, "container ", base::quoted(id), " does not exist");
}

}  // namespace

void check_oci_id(const std::string& id) {
  if (!is_oci_id(id))
    throw make_error(ErrorKind::invalid_argument, base::quoted(id), " is not a container id")
        .with_hint("an id has letters, digits, \"_\", \"+\", \".\" and \"-\"");
}

OciContainer find_oci_container(const std::string& root, const std::string& id) {
  check_oci_id(id);
  auto container = try_open(base::try_open_directory(AT_FDCWD, root), id);
  if (!container) throw no_container(id);
  return std::move(*container);
}

std::vector<OciContainer> list_oci_containers(const std::string& root) {
  std::vector<OciContainer> containers;
  const auto folder = base::try_open_directory(AT_FDCWD, root);
  if (!folder) return containers;
  for (const std::string& name : base::list_directory(folder->get(), ".")) {
    if (!is_oci_id(name)) continue;
    try {
      if (auto container = try_open(folder, name)) containers.push_back(std::move(*container));
    } catch (const base::Error& error) {  // one damaged folder must not hide the others
      base::log(base::LogLevel::warn, error.what());
    }
  }
  return containers;
}

std::vector<OciContainer> select_oci_containers(const std::string& root, const std::string& id, bool by_regex) {
  std::vector<OciContainer> selected;
  if (!by_regex) {
    selected.push_back(find_oci_container(root, id));
    return selected;
  }
  const std::regex pattern = parse_regex(id);
  for (OciContainer& container : list_oci_containers(root))
    if (std::regex_search(container.state.id, pattern)) selected.push_back(std::move(container));
  if (selected.empty()) throw make_error(ErrorKind::not_found, "no container matches ", base::quoted(id));
  return selected;
}

base::UniqueFd open_oci_process(const OciState& state) {
  base::UniqueFd process = base::open_process(state.process);
  // The state may be older than this boot, in which the same pid may have the same inode again, but hardly at that
  // time.
  const auto found = process ? base::identify_process(state.process.pid) : std::nullopt;
  if (!found || found->start_time != state.process.start_time) return {};
  return process;
}

std::string status_of(const OciContainer& container) {
  return look_at(container).status;
}

RunningProcess open_running_process(const OciContainer& container) {
  Look look = look_at(container);
  if (look.status != "running" && look.status != "paused")
    throw make_error(ErrorKind::in_use, "container not running: ", base::quoted(container.state.id), " is ",
                     look.status);
  return {.pidfd = std::move(look.process), .is_paused = look.status == "paused"};
}

}  // namespace cmd
