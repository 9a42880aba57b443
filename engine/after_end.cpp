#include "engine/after_end.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "engine/reconcile.hpp"
#include "engine/trash.hpp"
#include "runtime/hooks.hpp"
#include "storage/layout.hpp"
#include "storage/trash.hpp"

namespace engine {

using base::concat;

namespace {

constexpr const char* note_name = "after-end";
constexpr std::string_view upper_option = "upperdir=", lower_option = "lowerdir=", upper_name = "/upper";

struct Overlay {
  std::string folder;  ///< Of the container.
  std::string source;
};

std::string value_of(const runtime::Mount& mount, std::string_view option) {
  for (const std::string& word : mount.options)
    if (word.starts_with(option)) return word.substr(option.size());
  return {};
}

std::string folder_of(Engine& engine, const std::string& id) {
  return concat(engine.store().root_path(), "/", storage::layout::container(id));
}

/// Those of option O; see resolve_mounts.cpp.
std::vector<Overlay> overlays_of(Engine& engine, const storage::ContainerDir& container, const runtime::Spec& spec) {
  const std::string parent = concat(folder_of(engine, container.id), "/");
  std::vector<Overlay> overlays;
  for (const runtime::Mount& mount : spec.mounts) {
    const std::string upper = value_of(mount, upper_option);
    if (mount.type != "overlay" || !upper.starts_with(parent) || !upper.ends_with(upper_name)) continue;
    overlays.push_back(
        {upper.substr(parent.size(), upper.size() - parent.size() - upper_name.size()), value_of(mount, lower_option)});
  }
  return overlays;
}

bool has_hooks_of_ours(const storage::ContainerRecord& record, const runtime::Spec& spec) {
  return record.runtime.empty() && !spec.hooks.poststop.empty();  // another runtime runs them itself
}

void finish(Engine& engine, const storage::ContainerDir& container) {
  const storage::ContainerRecord record = storage::read_record(container);
  const runtime::Spec spec = runtime::parse_spec(storage::read_config_json(container, runtime::max_spec_bytes),
                                                 concat("config.json of container ", container.id.substr(0, 12)));
  if (has_hooks_of_ours(record, spec)) {
    const runtime::HookContainer hooked{spec.oci_version, record.id, folder_of(engine, record.id), spec.annotations};
    runtime::run_hooks_leniently(spec.hooks.poststop, "poststop", runtime::hook_state(hooked, 0, "stopped"));
  }
  if (record.auto_remove) return;  // it goes as a whole
  const std::vector<Overlay> overlays = overlays_of(engine, container, spec);
  for (const Overlay& overlay : overlays)
    storage::move_to_trash(engine.store(), concat(storage::layout::container(container.id), "/", overlay.folder));
  if (!overlays.empty()) empty_trash(engine);
}

template <class Work>
void attempt(const storage::ContainerDir& container, const Work& work) noexcept {
  try {
    work();
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return;  // removed by somebody who did it
    base::log(base::LogLevel::warn, "after the end of container ", container.id.substr(0, 12), ": ", error.message());
  }
}

}  // namespace

void make_overlay_folder(int container, const std::string& folder, const std::string& source) {
  const auto make = [&](const char* part) { return base::make_directories(container, concat(folder, "/", part)); };
  make("work");
  struct stat status {};
  // What the container sees as the folder's mode is that of the upper one.
  if (::stat(source.c_str(), &status) != 0 || ::fchmod(make("upper").get(), status.st_mode & 07777) != 0)
    throw base::os_error("preparing an overlay over ", base::quoted(source));
}

void expect_end(Engine& engine, const storage::ContainerDir& container, const runtime::Spec& spec) {
  const std::vector<Overlay> overlays = overlays_of(engine, container, spec);
  if (overlays.empty() && spec.hooks.poststop.empty()) return;
  for (const Overlay& overlay : overlays)
    if (!base::exists(container.dir.get(), overlay.folder))
      make_overlay_folder(container.dir.get(), overlay.folder, overlay.source);
  // Empty, and so whole as soon as it is there: kill -9 at any moment leaves no other file behind.
  const base::UniqueFd note{
      ::openat(container.dir.get(), note_name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!note) throw base::os_error("noting what is to be done after the end");
}

bool has_work_after_end(const storage::ContainerDir& container) {
  return base::exists(container.dir.get(), note_name);
}

void finish_life(Engine& engine, const storage::ContainerDir& container, const base::FileLock&) noexcept {
  attempt(container, [&] {
    if (!has_work_after_end(container)) return;
    attempt(container, [&] { finish(engine, container); });
    // Last, so that who finds none knows that all was done; whoever comes meanwhile waits for `alive`.
    base::unlink_file(container.dir.get(), note_name);
  });
}

void finish_ended(Engine& engine, const storage::ContainerDir& container) noexcept {
  attempt(container, [&] {
    if (!has_work_after_end(container)) return;
    const auto alive = take_alive(container, engine.host.boot_id);
    if (alive && !observe(container, engine.host.boot_id).is_running()) finish_life(engine, container, *alive);
  });
}

}  // namespace engine
