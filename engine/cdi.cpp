#include "engine/cdi.hpp"

#include <algorithm>
#include <fcntl.h>
#include <optional>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;

template <class List>
void append(List& to, const List& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append(CdiEdits& to, const CdiEdits& from) {
  append(to.env, from.env);
  append(to.nodes, from.nodes);
  append(to.mounts, from.mounts);
  append(to.additional_gids, from.additional_gids);
  append(to.hooks.prestart, from.hooks.prestart);
  append(to.hooks.create_runtime, from.hooks.create_runtime);
  append(to.hooks.create_container, from.hooks.create_container);
  append(to.hooks.start_container, from.hooks.start_container);
  append(to.hooks.poststart, from.hooks.poststart);
  append(to.hooks.poststop, from.hooks.poststop);
}

/// The files of a folder, sorted; nothing where it is not there.
std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  try {
    files = base::list_directory(AT_FDCWD, folder);
  } catch (const base::Error& error) {
    if (error.code() != ENOENT && error.code() != ENOTDIR && error.kind() != ErrorKind::not_found) throw;
  }
  std::erase_if(files, [](const std::string& file) {
    return !file.ends_with(".json") && !file.ends_with(".yaml") && !file.ends_with(".yml");
  });
  return files;
}

struct Found {
  const CdiFile* file = nullptr;
  const CdiDevice* device = nullptr;
};

/// A damaged file is an error only when something is missing: it may be another vendor's.
struct Files {
  std::vector<CdiFile> files;  ///< What counts more comes last.
  std::vector<std::size_t> folder_of;
  std::optional<base::Error> damage;
};

Files read_all(const std::vector<std::string>& folders) {
  Files all;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    for (const std::string& name : files_of(folders[i])) {
      const std::string path = concat(folders[i], "/", name);
      try {
        const auto text = base::try_read_host_file(path, max_file_bytes);
        if (!text) continue;
        all.files.push_back(parse_cdi_file(*text, path));
        all.folder_of.push_back(i);
      } catch (const base::Error& error) {
        base::log(base::LogLevel::warn, error.message());
        if (!all.damage) all.damage = error;
      }
    }
  }
  return all;
}

Found find(const Files& all, std::string_view word) {
  const auto parts = base::split_once(word, '=');
  Found found;
  std::size_t folder = 0;
  for (std::size_t i = 0; i < all.files.size(); ++i) {
    if (all.files[i].kind != parts->first) continue;
    for (const CdiDevice& device : all.files[i].devices) {
      if (device.name != parts->second) continue;
      if (found.file != nullptr && folder == all.folder_of[i])
        throw make_error(ErrorKind::invalid_argument, "device ", quoted(word),
                         " is in two files: ", quoted(found.file->path), " and ", quoted(all.files[i].path));
      found = {&all.files[i], &device};
      folder = all.folder_of[i];
    }
  }
  return found;
}

}  // namespace

CdiEdits find_cdi_devices(const std::vector<std::string>& words, const std::vector<std::string>& folders) {
  CdiEdits edits;
  if (words.empty()) return edits;
  const Files all = read_all(folders);
  std::vector<const CdiFile*> used;
  for (const std::string& word : words) {
    const Found found = find(all, word);
    if (found.file == nullptr) {
      if (all.damage) throw base::Error{*all.damage};
      throw make_error(ErrorKind::not_found, "unresolvable CDI device ", quoted(word))
          .with_hint(
              concat("no file in ", base::join(folders, " or "), " has it; --cdi-spec-dir names another folder"));
    }
    if (std::find(used.begin(), used.end(), found.file) == used.end()) {
      used.push_back(found.file);
      append(edits, found.file->edits);
    }
    append(edits, found.device->edits);
  }
  return edits;
}

}  // namespace engine
