#include "engine/namespace_choice.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "engine/inside.hpp"
#include "rootless/user_namespace.hpp"

namespace engine {
namespace {

constexpr const char* record_name = "namespaces";
constexpr std::size_t max_record_bytes = 16 * 1024;

std::uint64_t inode_of(const char* path) {
  struct stat facts {};
  return ::stat(path, &facts) == 0 ? facts.st_ino : 0;
}

// Not in the headers of Debian 12. Source: statx(2), Linux 6.8.
constexpr unsigned unique_mount_id = 0x4000;

NamespaceCircumstances circumstances_of(const Engine& engine) {
  NamespaceCircumstances result{.boot_id = engine.host.boot_id, .user_namespace = inode_of("/proc/self/ns/user")};
  struct statx facts {};
  result.is_unique = ::statx(AT_FDCWD, "/proc", AT_SYMLINK_NOFOLLOW, unique_mount_id, &facts) == 0 &&
                     (facts.stx_mask & unique_mount_id) != 0;
  result.mounts = result.is_unique ? facts.stx_mnt_id : inode_of("/proc/self/ns/mnt");
  return result;
}

NamespaceChoice try_namespaces(Engine& engine) {
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_inside", "probe-namespaces"});
  command.null_stdin = true;
  command.die_with_parent = true;
  const rootless::IdMap map = rootless::single_map(engine.host.uid, engine.host.gid);
  rootless::MappedChild child = rootless::spawn_in_user_namespace(std::move(command), map, engine.host);
  if (!child.unmapped_reason.empty()) return {{{"user", child.unmapped_reason}}};
  const auto answer = child.channel.receive();
  child.process.wait();
  if (!answer) throw base::make_error(base::ErrorKind::internal, "the probe of namespaces died");
  NamespaceChoice choice;
  for (const std::string_view line : base::split(answer->bytes, '\n'))
    if (const auto pair = base::split_once(line, ' '))
      choice.missing.push_back({std::string{pair->first}, std::string{pair->second}});
  return choice;
}

void remember(Engine& engine, const NamespaceChoice& choice, const NamespaceCircumstances& circumstances) {
  if (choice.is_chroot()) return;  // asked each time, so that it ends at once where something better can be had
  if (circumstances.boot_id.empty() || (!choice.missing.empty() && !circumstances.is_unique)) return;
  try {
    base::write_file_atomically(engine.store().run(), record_name, namespace_record_text(choice, circumstances),
                                base::Durability::volatile_);
  } catch (const base::Error& error) {  // it only saves time
    base::log(base::LogLevel::debug, error.message());
  }
}

NamespaceChoice find_or_try(Engine& engine) {
  const NamespaceCircumstances circumstances = circumstances_of(engine);
  if (const auto text = base::try_read_file(engine.store().run(), record_name, max_record_bytes))
    if (auto known = parse_namespace_record(*text, circumstances)) return std::move(*known);
  NamespaceChoice choice = try_namespaces(engine);
  remember(engine, choice, circumstances);
  return choice;
}

}  // namespace

bool NamespaceChoice::lacks(std::string_view name) const {
  return std::any_of(missing.begin(), missing.end(), [&](const Missing& one) { return one.name == name; });
}

const std::vector<std::string>& namespace_names() {
  static const std::vector<std::string> names = {"network", "pid", "ipc", "uts", "cgroup", "proc", "user"};
  return names;
}

bool may_be_chroot(const Engine& engine) {
  const std::vector<std::string>& without = engine.config.mode.without;
  return engine.host.may_only_chroot || std::find(without.begin(), without.end(), "user") != without.end();
}

const NamespaceChoice& find_namespaces(Engine& engine) {
  if (engine.namespaces) return *engine.namespaces;
  NamespaceChoice choice = find_or_try(engine);
  for (const std::string& name : engine.config.mode.without) {
    if (name == "user" && engine.host.uid != 0)
      throw base::make_error(base::ErrorKind::permission, "engine.conf: mode.without = [\"user\"] is for root only");
    if (!choice.lacks(name)) choice.missing.push_back({name, "engine.conf says so"});
  }
  engine.namespaces = std::make_shared<const NamespaceChoice>(std::move(choice));
  return *engine.namespaces;
}

std::string namespace_record_text(const NamespaceChoice& choice, const NamespaceCircumstances& circumstances) {
  base::JsonWriter json;
  json.begin_object().member("version", 1).member("bootId", circumstances.boot_id);
  json.member("userNamespace", circumstances.user_namespace).member("mounts", circumstances.mounts);
  json.member("unique", circumstances.is_unique);
  json.key("missing").begin_array();
  for (const auto& [name, reason] : choice.missing)
    json.begin_object().member("name", name).member("reason", reason).end_object();
  json.end_array().end_object();
  return json.take();
}

std::optional<NamespaceChoice> parse_namespace_record(std::string_view text,
                                                      const NamespaceCircumstances& circumstances) {
  try {
    const base::JsonAt json = base::JsonAt::parse(text, record_name, {.max_bytes = max_record_bytes});
    const NamespaceCircumstances then{json.at("bootId").string(), json.at("userNamespace").unsigned_integer(),
                                      json.at("mounts").unsigned_integer(), json.at("unique").boolean()};
    if (json.at("version").integer() != 1 || then != circumstances) return std::nullopt;
    NamespaceChoice choice;
    for (const base::JsonAt& one : json.at("missing").array())
      choice.missing.push_back({one.at("name").string(), one.at("reason").string()});
    return choice;
  } catch (const base::Error& error) {  // it only saves time: a damaged one is found out anew
    base::log(base::LogLevel::debug, error.message());
    return std::nullopt;
  }
}

}  // namespace engine
