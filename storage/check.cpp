#include "storage/check.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "storage/check_parts.hpp"
#include "storage/layout.hpp"

namespace storage {
namespace {

void check_folder(StoreCheck& check, const std::string& name) {
  struct stat info {};
  const bool is_there = ::fstatat(check.store.root(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_there && errno != ENOENT) throw base::os_error("looking at the store's folder ", base::quoted(name));
  if (!is_there || !S_ISDIR(info.st_mode)) {
    check.add({.severity = Severity::damage,
               .kind = "folder-missing",
               .object = name,
               .message = base::concat("the store has no folder ", base::quoted(name), ", and commands fail"),
               .remedy = std::string{repair_command},
               .cure = Cure::make_folder,
               .path = name});
    return;
  }
  if (info.st_uid != ::geteuid())
    check.add({.severity = Severity::damage,
               .kind = "owner",
               .object = name,
               .message = base::concat("the folder ", base::quoted(name), " of the store belongs to user ", info.st_uid,
                                       ", not to us"),
               .remedy = base::concat("as root: chown ", ::geteuid(), " ", check.store.root_path(), "/", name)});
  else if ((info.st_mode & 0077) != 0 || (info.st_mode & 0700) != 0700)
    check.add({.severity = Severity::damage,
               .kind = "permissions",
               .object = name,
               .message = base::concat("the folder ", base::quoted(name), " of the store has not the mode 0700"),
               .remedy = std::string{repair_command},
               .cure = Cure::close_folder,
               .path = name});
}

/// Nobody who works on it holds its lock.
bool is_dead(const Store& store, const std::string& lock) {
  return !base::FileLock::is_held(store.root(), lock);
}

void add_leftover(StoreCheck& check, std::string_view kind, const std::string& path, const std::string& message) {
  if (!base::exists(check.store.root(), path)) return;
  check.add({.severity = Severity::leftover,
             .kind = kind,
             .object = path,
             .message = message,
             .remedy = "goes away with the next pull, rm or engine system prune",
             .cure = Cure::sweep,
             .path = path});
}

void check_temporary_files(StoreCheck& check, const std::string& folder) {
  // Who writes one holds the garbage lock shared; it is there for moments.
  for (const std::string& name : base::list_directory(check.store.root(), folder))
    if (name.front() == '.')
      add_leftover(check, "temporary-file", base::concat(folder, "/", name),
                   base::concat(base::quoted(base::concat(folder, "/", name)), " was left by a killed process"));
}

}  // namespace

Finding because_of(const base::Error& error, Finding finding) {
  if (is_damage(error)) return finding;
  finding.is_certain = false;
  finding.remedy = base::concat("if it stays so, look at the kernel log (dmesg); ", repair_command,
                                " --force gives up what cannot be read");
  return finding;
}

void check_folders(StoreCheck& check) {
  for (const char* folder : layout::folders) check_folder(check, folder);
}

void check_leftovers(StoreCheck& check) {
  const Store& store = check.store;
  for (const std::string& name : base::list_directory(store.root(), "staging")) {
    const std::string path = base::concat("staging/", name);
    if (is_dead(store, path + "/.lock"))
      add_leftover(check, "staging-stale", path, base::concat("unfinished work of a killed process in ", path));
  }
  for (const std::string& name : base::list_directory(store.root(), "trash"))
    add_leftover(check, "trash", base::concat("trash/", name),
                 base::concat("trash/", name, " was removed, but is not deleted yet"));
  for (const std::string& name : base::list_directory(store.root(), "containers")) {
    const std::string path = base::concat("containers/", name);
    if (name.starts_with(".new-") && is_dead(store, path + "/lock"))
      add_leftover(check, "container-unborn", path,
                   base::concat("a container that a killed process was making, in ", path));
  }
  check_temporary_files(check, "images");
  check_temporary_files(check, "refs");
}

std::vector<Finding> check_store(const Store& store, const CheckRequest& request) {
  StoreCheck check{
      .store = store, .request = request, .findings = {}, .layers = {}, .layer_blobs = {}, .small_blobs = {}};
  check_folders(check);
  for (const Finding& finding : check.findings)
    if (finding.cure == Cure::make_folder || finding.kind == "owner")
      return std::move(check.findings);  // first things first
  check_names_of_images(check);
  check_images(check);
  check_containers(check);
  check_names_of_containers(check);
  check_volumes(check);
  check_artifacts(check);
  check_secrets(check);
  check_layers(check);
  check_blobs(check);
  check_orphans(check);
  check_leftovers(check);
  return std::move(check.findings);
}

}  // namespace storage
