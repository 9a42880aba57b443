#include "storage/container_records.hpp"

#include <array>

#include "storage/json_record.hpp"

namespace storage {

namespace {

using std::literals::operator""sv;

using List = std::vector<std::string> ContainerRecord::*;
constexpr std::array<std::pair<std::string_view, List>, 6> lists_as_written{{
    {"security_opt", &ContainerRecord::security_opt},
    {"add_hosts", &ContainerRecord::add_hosts},
    {"group_add", &ContainerRecord::group_add},
    {"dns", &ContainerRecord::dns},
    {"dns_search", &ContainerRecord::dns_search},
    {"dns_option", &ContainerRecord::dns_option},
}};

/// Arguments may hold any bytes; JSON may not. A command that is not UTF-8 is kept in hexadecimal beside the readable
/// form, so that inspect tells exactly what the user typed.
bool is_utf8(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (base::sanitize_utf8(text) != text) return false;
  }
  return true;
}

std::vector<std::string> to_hex(const std::vector<std::string>& texts) {
  std::vector<std::string> result;
  for (const std::string& text : texts) result.push_back(base::to_hex(text.data(), text.size()));
  return result;
}

int nibble(const base::JsonAt& json, char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  throw json.error("not hexadecimal");
}

std::string from_hex(const base::JsonAt& json) {
  const std::string hex = json.string();
  if (hex.size() % 2 != 0) throw json.error("not hexadecimal");
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    text.push_back(static_cast<char>(nibble(json, hex[i]) * 16 + nibble(json, hex[i + 1])));
  }
  return text;
}

std::vector<std::string> read_command(const base::JsonAt& json) {
  const auto hex = json.find("command_hex");
  if (!hex) return json.strings_or_empty("command");
  std::vector<std::string> command;
  for (const base::JsonAt& word : hex->array()) command.push_back(from_hex(word));
  return command;
}

/// What lists need of a record: read in two ways, by a tree of all of it or by a scan for these alone.
template <class Record, class Visit>
void visit_listed(Record& record, const Visit& visit) {
  visit("id"sv, record.id);
  visit("name"sv, record.name);
  visit("created"sv, record.created);
  visit("image_name"sv, record.image_name);
  visit("image_id"sv, record.image_id);
  visit("manifest"sv, record.manifest);
  visit("rootfs"sv, record.rootfs);
  visit("command"sv, record.command);
  visit("labels"sv, record.labels);
  visit("named_volumes"sv, record.named_volumes);
  visit("network"sv, record.network);
  visit("ports"sv, record.ports);
  visit("auto_remove"sv, record.auto_remove);
}

template <class Visit>
void visit_state(ContainerState& state, const Visit& visit) {
  visit("status"sv, state.status);
  visit("pid"sv, state.process.pid);
  visit("start_time"sv, state.process.start_time);
  visit("process_inode"sv, state.process.inode);
  visit("boot_id"sv, state.boot_id);
  visit("monitor_pid"sv, state.monitor_pid);
  visit("started"sv, state.started);
  visit("finished"sv, state.finished);
  visit("exit_code"sv, state.exit_code);
  visit("oom_killed"sv, state.oom_killed);
  visit("error"sv, state.error);
}

/// Reads what is there; what is not stays as it is.
struct TreeReader {
  const base::JsonAt& json;

  template <class Value>
  void operator()(std::string_view key, Value& value) const {
    if (const auto member = json.find(key)) read(*member, value);
  }
  static void read(const base::JsonAt& from, std::string& value) { value = from.string(); }
  static void read(const base::JsonAt& from, bool& value) { value = from.boolean(); }
  static void read(const base::JsonAt& from, int& value) { value = static_cast<int>(from.integer()); }
  static void read(const base::JsonAt& from, std::uint64_t& value) { value = from.unsigned_integer(); }
  static void read(const base::JsonAt& from, std::vector<std::string>& value) { value = from.strings(); }
  static void read(const base::JsonAt& from, std::vector<std::pair<std::string, std::string>>& value) {
    value = from.string_map();
  }
};

/// Reads the value of `key` into the field that `visit_fields` shows under that name; false when there is none.
template <class VisitFields>
bool scan_member(base::JsonScan& scan, std::string_view key, const VisitFields& visit_fields) {
  bool is_read = false;
  visit_fields([&](std::string_view name, auto& value) {
    if (is_read || name != key) return;
    is_read = true;
    scan.read(value);
  });
  return is_read;
}

template <class Record>
void read_listed(const base::JsonAt& json, Record& record) {
  for (const char* key : {"id", "name", "created"}) json.at(key).string();
  visit_listed(record, TreeReader{json});
  record.command = read_command(json);
}

void read_options(const base::JsonAt& json, ContainerRecord& record) {
  record.user = json.string_or("user", "");
  record.hostname = json.string_or("hostname", "");
  record.ipc = json.string_or("ipc", "");
  record.cgroups = json.string_or("cgroups", "");
  record.cgroup_parent = json.string_or("cgroup_parent", "");
  record.exposed_ports = json.strings_or_empty("exposed_ports");
  record.publish_all = json.boolean_or("publish_all", false);
  record.only_for_run = json.boolean_or("only_for_run", false);
  record.tty = json.boolean_or("tty", false);
  record.open_stdin = json.boolean_or("open_stdin", false);
  record.privileged = json.boolean_or("privileged", false);
  record.init = json.boolean_or("init", false);
  record.read_only = json.boolean_or("read_only", false);
  record.log_driver = json.string_or("log_driver", record.log_driver);
  record.stop_signal = static_cast<int>(json.integer_or("stop_signal", record.stop_signal));
  record.stop_timeout_seconds =
      static_cast<unsigned>(json.unsigned_or("stop_timeout_seconds", record.stop_timeout_seconds));
  record.detach_keys = json.string_or("detach_keys", record.detach_keys);
  for (const auto& [key, list] : lists_as_written) record.*list = json.strings_or_empty(std::string{key});
  record.cidfile = json.string_or("cidfile", "");
  record.create_command = json.string_or("create_command", "");
  record.runtime = json.string_or("runtime", "");
  record.rootfs_id_map = json.string_or("rootfs_id_map", "");
  record.runtime_flags = json.strings_or_empty("runtime_flags");
}

}  // namespace

std::string render_record(const ContainerRecord& record) {
  base::JsonWriter json = begin_record();
  json.member("id", record.id).member("name", record.name).member("created", record.created);
  json.member("image_name", record.image_name).member("image_id", record.image_id).member("manifest", record.manifest);
  json.member("chain_ids", record.chain_ids).member("rootfs", record.rootfs).member("variant", record.variant);
  if (!record.userns.empty())
    json.member("userns", record.userns).member("uid_map", record.uid_map).member("gid_map", record.gid_map);
  json.member("driver", record.driver).member("command", record.command);
  if (!is_utf8(record.command)) json.member("command_hex", to_hex(record.command));
  json.member("entrypoint_words", static_cast<std::uint64_t>(record.entrypoint_words));
  json.member("labels", record.labels);
  json.member("anonymous_volumes", record.anonymous_volumes).member("named_volumes", record.named_volumes);
  if (!record.mounted_chain_ids.empty()) json.member("mounted_chain_ids", record.mounted_chain_ids);
  json.member("user", record.user).member("network", record.network).member("hostname", record.hostname);
  if (!record.ipc.empty()) json.member("ipc", record.ipc);
  if (!record.cgroups.empty()) json.member("cgroups", record.cgroups);
  if (!record.cgroup_parent.empty()) json.member("cgroup_parent", record.cgroup_parent);
  if (!record.ports.empty()) json.member("ports", record.ports);
  if (!record.exposed_ports.empty()) json.member("exposed_ports", record.exposed_ports);
  if (record.publish_all) json.member("publish_all", true);
  json.member("auto_remove", record.auto_remove);
  if (record.only_for_run) json.member("only_for_run", true);
  json.member("tty", record.tty).member("open_stdin", record.open_stdin);
  json.member("privileged", record.privileged).member("init", record.init).member("read_only", record.read_only);
  json.member("log_driver", record.log_driver).member("stop_signal", record.stop_signal);
  json.member("stop_timeout_seconds", record.stop_timeout_seconds).member("detach_keys", record.detach_keys);
  for (const auto& [key, list] : lists_as_written)
    if (!(record.*list).empty()) json.member(key, record.*list);
  if (!record.cidfile.empty()) json.member("cidfile", record.cidfile);
  json.member("create_command", record.create_command);
  if (!record.rootfs_id_map.empty()) json.member("rootfs_id_map", record.rootfs_id_map);
  if (!record.runtime.empty()) json.member("runtime", record.runtime).member("runtime_flags", record.runtime_flags);
  json.end_object();
  return json.take();
}

ContainerRecord parse_container_record(std::string_view bytes, std::string what) {
  const base::JsonAt json = parse_record(bytes, std::move(what));
  ContainerRecord record;
  read_listed(json, record);
  record.chain_ids = json.strings_or_empty("chain_ids");
  record.variant = json.string_or("variant", "");
  record.userns = json.string_or("userns", "");
  record.uid_map = json.strings_or_empty("uid_map");
  record.gid_map = json.strings_or_empty("gid_map");
  record.driver = json.string_or("driver", "");
  record.entrypoint_words = json.unsigned_or("entrypoint_words", 0);
  record.anonymous_volumes = json.strings_or_empty("anonymous_volumes");
  record.mounted_chain_ids = json.strings_or_empty("mounted_chain_ids");
  read_options(json, record);
  return record;
}

ListedContainer parse_listed_record(std::string_view bytes, const std::string& id) {
  ListedContainer record;
  bool is_listable = true;
  const bool is_plain = scan_record(bytes, [&](base::JsonScan& scan, std::string_view key) {
    is_listable = is_listable && key != "command_hex";
    return scan_member(scan, key, [&](const auto& visit) { visit_listed(record, visit); });
  });
  if (is_plain && is_listable && !record.id.empty() && !record.created.empty()) return record;
  record = {};
  read_listed(parse_record(bytes, base::concat("record of container ", id)), record);
  return record;
}

std::string render_state(const ContainerState& state) {
  base::JsonWriter json = begin_record();
  json.member("status", state.status).member("pid", static_cast<std::int64_t>(state.process.pid));
  json.member("start_time", state.process.start_time).member("process_inode", state.process.inode);
  json.member("boot_id", state.boot_id);
  json.member("monitor_pid", static_cast<std::int64_t>(state.monitor_pid));
  json.member("started", state.started).member("finished", state.finished).member("exit_code", state.exit_code);
  json.member("oom_killed", state.oom_killed).member("error", state.error);
  json.end_object();
  return json.take();
}

ContainerState parse_state(std::string_view bytes, std::string_view what, const std::string& id) {
  ContainerState state;
  if (bytes == unfinished_state) {
    state.is_unfinished = true;
    return state;
  }
  state.status.clear();
  const bool is_plain = scan_record(bytes, [&](base::JsonScan& scan, std::string_view key) {
    return scan_member(scan, key, [&](const auto& visit) { visit_state(state, visit); });
  });
  if (is_plain && !state.status.empty()) return state;
  const base::JsonAt json = parse_record(bytes, base::concat(what, id));
  json.at("status").string();
  state = {};
  visit_state(state, TreeReader{json});
  return state;
}

}  // namespace storage
