#include "engine/driver.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "engine/error_bytes.hpp"
#include "engine/inside.hpp"
#include "engine/namespace_choice.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/overlay.hpp"
#include "storage/staging.hpp"

namespace engine {
namespace {

constexpr const char* record_name = "rootfs-driver";
constexpr const char* served_record_name = "served-lowers";  // with driver "overlay" where that works, else "copy"
constexpr std::size_t max_record_bytes = 16 * 1024;
constexpr std::string_view success = "+";

DriverCircumstances circumstances_of(Engine& engine) {
  struct stat facts {};
  if (::fstat(engine.store().root(), &facts) != 0) throw base::os_error("examining the store");
  return {engine.host.boot_id, facts.st_dev, engine.host.has_dev_fuse ? engine.host.fuse_overlayfs : ""};
}

/// Why `driver` does not work here; empty when it does. @throws Error no_space, when that cannot be found out.
std::string try_driver(Engine& engine, std::string_view driver) {
  const storage::Staging staging = storage::Staging::begin(engine.store());
  base::make_directory(staging.dir(), "probe");
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(
      command.argv.end(),
      {"_inside", "probe", std::string{driver},
       base::concat(engine.store().root_path(), "/staging/", staging.name(), "/probe"), engine.host.fuse_overlayfs});
  command.null_stdin = true;
  command.die_with_parent = true;
  const rootless::IdMap map = rootless::single_map(engine.host.uid, engine.host.gid);
  rootless::MappedChild child = rootless::spawn_in_user_namespace(std::move(command), map, engine.host);
  const auto answer = child.channel.receive();
  child.process.wait();
  if (!answer) return "the probe died";
  if (answer->bytes == success) return "";
  base::Error error = decode_error(answer->bytes);
  if (error.kind() == base::ErrorKind::no_space) throw error;  // tells nothing about the driver
  return error.message();
}

std::string fuse_problem(Engine& engine) {
  if (engine.host.fuse_overlayfs.empty()) return "it is not installed";
  if (!engine.host.has_dev_fuse) return "/dev/fuse is absent or closed to us";
  return try_driver(engine, storage::name_of(base::RootfsDriver::fuse_overlayfs));
}

DriverChoice try_all(Engine& engine) {
  const std::string overlay = try_driver(engine, storage::name_of(base::RootfsDriver::overlay));
  if (overlay.empty()) return {base::RootfsDriver::overlay, "native overlay works here"};
  const std::string fuse = fuse_problem(engine);
  const std::string why = base::concat("no native overlay: ", overlay);
  if (fuse.empty()) return {base::RootfsDriver::fuse_overlayfs, why};
  return {base::RootfsDriver::copy, base::concat(why, "; no fuse-overlayfs: ", fuse)};
}

void remember(Engine& engine, const char* file, const DriverChoice& choice, const DriverCircumstances& circumstances) {
  if (circumstances.boot_id.empty()) return;
  base::write_file_atomically(engine.store().run(), file, driver_record_text(choice, circumstances),
                              base::Durability::volatile_);
}

std::optional<DriverChoice> remembered(Engine& engine, const char* file, const DriverCircumstances& circumstances) {
  const auto text = base::try_read_file(engine.store().run(), file, max_record_bytes);
  return text ? parse_driver_record(*text, circumstances) : std::nullopt;
}

}  // namespace

std::string driver_record_text(const DriverChoice& choice, const DriverCircumstances& circumstances) {
  base::JsonWriter json;
  json.begin_object().member("version", 1).member("bootId", circumstances.boot_id);
  json.member("storeDevice", circumstances.store_device).member("fuseOverlayfs", circumstances.fuse_overlayfs);
  json.member("driver", storage::name_of(choice.driver)).member("reason", choice.reason).end_object();
  return json.take();
}

std::optional<DriverChoice> parse_driver_record(std::string_view text, const DriverCircumstances& circumstances) {
  try {
    const base::JsonAt json = base::JsonAt::parse(text, record_name, {.max_bytes = max_record_bytes});
    const DriverCircumstances then{json.at("bootId").string(), json.at("storeDevice").unsigned_integer(),
                                   json.at("fuseOverlayfs").string()};
    if (json.at("version").integer() != 1 || then != circumstances) return std::nullopt;
    return DriverChoice{storage::parse_driver(json.at("driver").string()), json.at("reason").string()};
  } catch (const base::Error& error) {  // it only saves time: a damaged one is found out anew
    base::log(base::LogLevel::debug, error.message());
    return std::nullopt;
  }
}

DriverChoice find_driver(Engine& engine) {
  if (!engine.config.storage_driver.empty()) {
    return {storage::parse_driver(engine.config.storage_driver), "chosen by the user or a configuration file"};
  }
  if (may_be_chroot(engine) && find_namespaces(engine).is_chroot())
    return {base::RootfsDriver::copy, "nothing can be mounted, and a chroot needs files of its own"};
  const DriverCircumstances circumstances = circumstances_of(engine);
  if (std::optional<DriverChoice> known = remembered(engine, record_name, circumstances)) return std::move(*known);
  try {
    DriverChoice choice = base::with_context([&] { return try_all(engine); }, "finding a storage driver");
    remember(engine, record_name, choice, circumstances);
    return choice;
  } catch (const base::Error& error) {
    if (error.code() != EROFS) throw;
    // Nothing can be tried, and nothing run; what is there can be looked at.
    return {base::RootfsDriver::overlay, "not tried, since the store's file system is read-only"};
  }
}

bool can_serve_lowers(Engine& engine) {
  const DriverCircumstances circumstances = circumstances_of(engine);
  if (circumstances.fuse_overlayfs.empty()) return false;
  if (const auto known = remembered(engine, served_record_name, circumstances))
    return known->driver == base::RootfsDriver::overlay;
  const std::string problem =
      base::with_context([&] { return try_driver(engine, served_overlay); }, "trying an overlay over fuse-overlayfs");
  const auto driver = problem.empty() ? base::RootfsDriver::overlay : base::RootfsDriver::copy;
  remember(engine, served_record_name, {driver, problem}, circumstances);
  return problem.empty();
}

}  // namespace engine
