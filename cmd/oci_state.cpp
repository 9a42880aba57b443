#include "cmd/oci_state.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "runtime/state.hpp"

namespace cmd {
namespace {

constexpr std::size_t max_id_bytes = 200;
constexpr std::size_t max_state_bytes = 1024 * 1024;
constexpr unsigned state_version = 1;

bool is_id_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '.' || c == '-';
}

OciState read_oci_state(int dir, const std::string& id) {
  const std::string text = base::read_file(dir, "state.json", max_state_bytes);
  const auto json = base::JsonAt::parse(text, base::concat("state of ", base::quoted(id)));
  if (json.at("version").unsigned_integer() != state_version) throw json.at("version").error("is of another engine");
  OciState state{.id = json.at("id").string(),
                 .oci_version = json.at("ociVersion").string(),
                 .bundle = json.at("bundle").string(),
                 .pid = static_cast<pid_t>(json.at("pid").integer()),
                 .start_time = json.at("startTime").unsigned_integer(),
                 .created = json.at("created").string(),
                 .owner = static_cast<std::uint32_t>(json.at("owner").unsigned_integer()),
                 .rootfs = json.at("rootfs").string()};
  if (const auto annotations = json.find("annotations")) state.annotations = annotations->string_map();
  return state;
}

}  // namespace

void check_oci_id(const std::string& id) {
  if (id.empty() || id.size() > max_id_bytes || id == "." || id == ".." ||
      !std::all_of(id.begin(), id.end(), is_id_byte))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(id), " is not a container id")
        .with_hint("an id has letters, digits, \"_\", \"+\", \".\" and \"-\"");
}

base::UniqueFd open_oci_root(const std::string& root) {
  return base::make_directories(AT_FDCWD, root, 0700);
}

base::UniqueFd make_oci_container(int root, const std::string& id) {
  check_oci_id(id);
  if (::mkdirat(root, id.c_str(), 0700) != 0) {
    if (errno == EEXIST)
      throw base::make_error(base::ErrorKind::already_exists, "a container ", base::quoted(id), " exists already");
    throw base::os_error("making the state folder of ", base::quoted(id));
  }
  return base::open_directory(root, id);
}

void write_oci_state(int dir, const OciState& state) {
  base::JsonWriter json;
  json.begin_object();
  json.member("version", state_version).member("id", state.id).member("ociVersion", state.oci_version);
  json.member("bundle", state.bundle).member("rootfs", state.rootfs).member("pid", static_cast<int>(state.pid));
  json.member("startTime", state.start_time).member("created", state.created).member("owner", state.owner);
  json.member("annotations", state.annotations);
  json.end_object();
  base::write_file_atomically(dir, "state.json", json.text(), base::Durability::volatile_);
}

OciContainer find_oci_container(const std::string& root, const std::string& id) {
  check_oci_id(id);
  auto folder = base::try_open_directory(AT_FDCWD, root);
  auto dir = folder ? base::try_open_directory(folder->get(), id) : std::nullopt;
  if (!dir || !base::exists(dir->get(), "state.json"))
    throw base::make_error(base::ErrorKind::not_found, "container ", base::quoted(id), " does not exist");
  OciContainer container;
  container.state = read_oci_state(dir->get(), id);
  container.dir = std::move(*dir);
  return container;
}

std::vector<OciContainer> list_oci_containers(const std::string& root) {
  std::vector<OciContainer> containers;
  const auto folder = base::try_open_directory(AT_FDCWD, root);
  if (!folder) return containers;
  for (const std::string& id : base::list_directory(folder->get(), "."))
    // One without state.json is being made, or its maker died; `delete --force` takes it away.
    if (base::exists(folder->get(), id + "/state.json")) containers.push_back(find_oci_container(root, id));
  return containers;
}

base::UniqueFd open_oci_process(const OciState& state) {
  return runtime::open_process(state.pid, state.start_time);
}

std::string status_of(const OciContainer& container) {
  if (!open_oci_process(container.state)) return "stopped";
  return base::exists(container.dir.get(), start_fifo) ? "created" : "running";
}

std::string state_json(const OciContainer& container) {
  const OciState& state = container.state;
  const std::string status = status_of(container);
  base::JsonWriter json{2};
  json.begin_object();
  json.member("ociVersion", state.oci_version).member("id", state.id);
  json.member("pid", status == "stopped" ? 0 : static_cast<int>(state.pid)).member("status", status);
  json.member("bundle", state.bundle).member("rootfs", state.rootfs).member("created", state.created);
  if (!state.annotations.empty()) json.member("annotations", state.annotations);
  json.member("owner", state.owner);
  json.end_object();
  return json.take();
}

}  // namespace cmd
