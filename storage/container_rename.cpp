#include "storage/container_rename.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "storage/container_names.hpp"
#include "storage/container_records.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

/// With the mode of the old one, which says whether it was flushed.
void write_renamed_record(int dir, const ContainerRecord& record) {
  struct stat old {};
  if (::fstatat(dir, "record", &old, AT_SYMLINK_NOFOLLOW) != 0) throw base::os_error("looking at the record");
  base::unlink_file(dir, renamed_record);  // of a rename that was killed
  const base::UniqueFd fd{::openat(dir, renamed_record, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                   old.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO))};
  if (!fd) throw base::os_error("creating ", base::quoted(renamed_record));
  base::with_context([&] { base::write_all(fd.get(), render_record(record)); }, "writing ",
                     base::quoted(renamed_record));
  if (!record.auto_remove) base::flush(fd.get(), renamed_record);
}

void flush_names(const Store& store) {
  base::flush(base::open_directory(store.root(), "names").get(), "names");
}

}  // namespace

void rename_container(const Store& store, const ContainerDir& container, const std::string& name) {
  if (!layout::is_object_name(name))
    throw base::make_error(base::ErrorKind::invalid_argument, "the container name ", base::quoted(name),
                           " does not match [a-zA-Z0-9][a-zA-Z0-9_.-]*");
  const base::FileLock lock = lock_container(container);
  ContainerRecord record = read_record(container);
  if (record.name == name)
    throw base::make_error(base::ErrorKind::already_exists, "container ", record.id.substr(0, 12), " has the name ",
                           base::quoted(name), " already");
  const std::string old_name = std::move(record.name);
  record.name = name;
  const int dir = container.dir.get();
  write_renamed_record(dir, record);
  auto discard = base::on_scope_exit([&]() noexcept {
    try {
      base::unlink_file(dir, renamed_record);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, error.message());
    }
  });
  reserve_name(store, name, base::concat(layout::container(record.id), "/", renamed_record));
  auto give_back = base::on_scope_exit([&]() noexcept {
    try {
      free_name(store, name, record.id);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, error.message());
    }
  });
  // The name first: power loss leaves one that frees itself, but no container without its name.
  if (!record.auto_remove) flush_names(store);
  base::rename_replace(dir, renamed_record, dir, "record");
  give_back.cancel();
  discard.cancel();
  if (!record.auto_remove) base::flush(dir, "the container's folder");
  free_name(store, old_name, record.id);
}

}  // namespace storage
