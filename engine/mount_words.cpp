#include "engine/mount_words.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

base::Error bad_word(std::string_view word, std::string_view problem) {
  return make_error(ErrorKind::invalid_argument, "mount ", quoted(word), ": ", problem);
}

bool is_one_of(std::string_view option, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), option) != names.end();
}

bool has_any(const std::vector<std::string>& options, std::initializer_list<std::string_view> names) {
  return std::any_of(options.begin(), options.end(),
                     [&](const std::string& option) { return is_one_of(option, names); });
}

/// One option of -v or --mount; false when it is not one that every mount knows.
bool apply_common_option(MountWord& mount, std::string_view option) {
  if (is_one_of(option, {"ro", "readonly", "readonly=true", "ro=true", "rw=false"})) {
    mount.options.emplace_back("ro");
  } else if (is_one_of(option, {"rw", "rw=true", "readonly=false", "ro=false"})) {
    mount.options.emplace_back("rw");
  } else if (is_one_of(option, {"z", "Z", "relabel=shared", "relabel=private"})) {
    // No SELinux relabelling: harmless where SELinux is off, which is where we run.
  } else if (is_one_of(option, {"cached", "delegated"}) || option.starts_with("consistency=")) {
    // Of docker on a Mac: how late one side may see what the other writes. Here both see it at once.
  } else if (is_one_of(option, {"U", "U=true", "chown", "chown=true"})) {
    mount.change_owner = true;
  } else if (option == "idmap" || option.starts_with("idmap=")) {
    mount.id_map = parse_mount_id_map(option);
  } else if (is_one_of(option, {"exec",       "noexec",      "dev",   "nodev",      "suid",    "nosuid",
                                "shared",     "rshared",     "slave", "rslave",     "private", "rprivate",
                                "unbindable", "runbindable", "bind",  "rbind",      "noatime", "nodiratime",
                                "relatime",   "strictatime", "sync",  "nosymfollow"})) {
    mount.options.emplace_back(option);
  } else {
    return false;
  }
  return true;
}

void check_access(const MountWord& mount, std::string_view word) {
  const auto is_access = [](const std::string& option) { return option == "ro" || option == "rw"; };
  if (std::count_if(mount.options.begin(), mount.options.end(), is_access) > 1)
    throw bad_word(word, "only one of ro and rw can be given");
}

/// Its source becomes an option of overlay, in which these separate.
void check_overlay(const MountWord& mount, std::string_view word) {
  if (mount.kind != MountWord::Kind::bind) throw bad_word(word, "option O needs a folder of the host as its source");
  if (mount.id_map) throw bad_word(word, "options O and idmap exclude each other");
  if (mount.source.find_first_of(",:\\") != std::string::npos)
    throw bad_word(word, "with option O the source may have none of , : \\ in its path");
}

/// What podman adds to a bind or volume mount that does not say otherwise.
void add_bind_defaults(MountWord& mount) {
  auto& options = mount.options;
  if (!has_any(options, {"suid", "nosuid"})) options.emplace_back("nosuid");
  if (!has_any(options, {"dev", "nodev"})) options.emplace_back("nodev");
  if (!has_any(options, {"bind", "rbind"})) options.emplace_back("rbind");
  if (!has_any(options, {"shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable"}))
    options.emplace_back("rprivate");
}

void finish_tmpfs(MountWord& mount, std::string_view word) {
  if (mount.id_map) throw bad_word(word, "a tmpfs cannot be idmapped: its files belong to the container already");
  auto& options = mount.options;
  if (!has_any(options, {"suid", "nosuid"})) options.emplace_back("nosuid");
  if (!has_any(options, {"dev", "nodev"})) options.emplace_back("nodev");
  // What the image has there shows in the tmpfs, too, unless nothing can be written there.
  if (has_any(options, {"ro"})) return;
  if (std::erase(options, "notmpcopyup") == 0 && !has_any(options, {"tmpcopyup"})) options.emplace_back("tmpcopyup");
}

std::string absolute_source(std::string_view source, const std::string& work_dir) {
  if (source.starts_with('/')) return std::string{source};
  return concat(work_dir, "/", source);
}

bool is_volume_name(std::string_view source) {
  return !source.starts_with('/') && !source.starts_with('.');
}

bool apply_tmpfs_option(MountWord& mount, std::string_view option) {
  const auto pair = base::split_once(option, '=');
  const std::string_view name = pair ? pair->first : option;
  if (is_one_of(name, {"notmpcopyup"})) {
    mount.options.emplace_back(option);
    return true;
  }
  if (is_one_of(name, {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"}) && pair) {
    mount.options.emplace_back(option);
    return true;
  }
  if (is_one_of(name, {"tmpfs-size", "tmpfs-mode"}) && pair) {
    mount.options.push_back(concat(name.substr(6), "=", pair->second));
    return true;
  }
  if (name == "tmpcopyup") {
    mount.options.emplace_back(option);
    return true;
  }
  return apply_common_option(mount, option);
}

}  // namespace

std::string clean_destination(std::string_view path, std::string_view word) {
  if (!path.starts_with('/')) throw bad_word(word, concat("destination ", quoted(path), " is not an absolute path"));
  if (path.find('\0') != std::string_view::npos) throw bad_word(word, "destination contains a NUL byte");
  std::vector<std::string_view> parts;
  for (const std::string_view part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string result;
  for (const std::string_view part : parts) result += concat("/", part);
  if (result.empty()) throw bad_word(word, "the destination may not be the root directory");
  return result;
}

MountWord parse_volume_word(std::string_view word, const std::string& work_dir) {
  const std::vector<std::string_view> fields = base::split(word, ':');
  if (fields.size() > 3) throw bad_word(word, "expected [SOURCE:]DESTINATION[:OPTIONS]");
  MountWord mount;
  mount.kind = MountWord::Kind::volume;
  if (fields.size() == 1) {
    mount.destination = clean_destination(fields[0], word);
  } else {
    if (fields[0].empty()) throw bad_word(word, "the source is empty");
    mount.destination = clean_destination(fields[1], word);
    if (!is_volume_name(fields[0])) mount.kind = MountWord::Kind::bind;
    mount.source = mount.kind == MountWord::Kind::bind ? absolute_source(fields[0], work_dir) : std::string{fields[0]};
  }
  if (fields.size() == 3) {
    for (const std::string_view option : base::split(fields[2], ',')) {
      if (option.empty() || apply_common_option(mount, option)) continue;
      if (option == "nocopy")
        mount.copy_up = false;
      else if (option == "O")
        mount.is_overlay = true;
      else if (option != "copy")
        throw bad_word(word, concat("unknown option ", quoted(option)));
    }
  }
  check_access(mount, word);
  if (mount.is_overlay) check_overlay(mount, word);
  add_bind_defaults(mount);
  return mount;
}

MountWord parse_tmpfs_word(std::string_view word) {
  MountWord mount;
  mount.kind = MountWord::Kind::tmpfs;
  const auto pair = base::split_once(word, ':');
  mount.destination = clean_destination(pair ? pair->first : word, word);
  if (pair) {
    for (const std::string_view option : base::split(pair->second, ','))
      if (!option.empty() && !apply_tmpfs_option(mount, option))
        throw bad_word(word, concat("unknown option ", quoted(option)));
  }
  finish_tmpfs(mount, word);
  return mount;
}

namespace {

MountWord::Kind parse_kind(std::string_view value, std::string_view word) {
  if (value == "bind") return MountWord::Kind::bind;
  if (value == "volume") return MountWord::Kind::volume;
  if (value == "tmpfs") return MountWord::Kind::tmpfs;
  if (value == "image") return MountWord::Kind::image;
  if (value == "devpts") return MountWord::Kind::devpts;
  throw bad_word(word, concat("type ", quoted(value), " is not one of bind, volume, tmpfs, image, devpts"));
}

/// The fields of --mount that name things; false when `name` is an option of the mount.
bool apply_named_field(MountWord& mount, std::string_view name, std::string_view value, std::string_view word) {
  if (is_one_of(name, {"src", "source"})) {
    mount.source = value;
  } else if (is_one_of(name, {"dst", "dest", "destination", "target"})) {
    mount.destination = clean_destination(value, word);
  } else if (is_one_of(name, {"subpath", "volume-subpath", "image-subpath"})) {
    mount.subpath = value;
  } else if (name == "bind-propagation") {
    if (!is_one_of(value, {"shared", "rshared", "slave", "rslave", "private", "rprivate"}))
      throw bad_word(word, concat("unknown propagation ", quoted(value)));
    mount.options.emplace_back(value);
  } else if (is_one_of(name, {"bind-nonrecursive"})) {
    mount.options.emplace_back(value == "false" ? "rbind" : "bind");
  } else if (name == "volume-nocopy" || name == "nocopy") {
    mount.copy_up = value == "false";
  } else {
    return false;
  }
  return true;
}

/// Terminals of its own.
MountWord devpts_mount(MountWord mount, const std::vector<std::string_view>& options, std::string_view word) {
  if (!mount.source.empty()) throw bad_word(word, "a devpts has no source");
  mount.options = {"nosuid", "noexec", "newinstance", "ptmxmode=0666"};
  bool has_mode = false;
  for (const std::string_view option : options) {
    const auto pair = base::split_once(option, '=');
    if (!pair || !is_one_of(pair->first, {"uid", "gid", "mode", "max"}))
      throw bad_word(word, concat("unknown option ", quoted(option)));
    has_mode = has_mode || pair->first == "mode";
    mount.options.emplace_back(option);
  }
  if (!has_mode) mount.options.emplace_back("mode=0620");
  return mount;
}

/// podman's "rw=true" for images; of the options of other mounts an image has none but these.
void finish_image_mount(MountWord& mount, std::string_view word) {
  if (mount.source.empty()) throw bad_word(word, "an image mount needs an image (src=…)");
  mount.writable = has_any(mount.options, {"rw"});
  if (mount.writable && !mount.subpath.empty()) throw bad_word(word, "rw=true and subpath exclude each other");
  if (!mount.writable && !has_any(mount.options, {"ro"})) mount.options.emplace_back("ro");
  add_bind_defaults(mount);
}

}  // namespace

MountWord parse_mount_word(std::string_view word, const std::string& work_dir) {
  MountWord mount;
  mount.kind = MountWord::Kind::volume;
  std::vector<std::string_view> options;
  for (const std::string_view field : base::split(word, ',')) {
    const auto pair = base::split_once(field, '=');
    if (pair && pair->first == "type")
      mount.kind = parse_kind(pair->second, word);
    else if (!(pair ? apply_named_field(mount, pair->first, pair->second, word)
                    : apply_named_field(mount, field, "", word)))
      options.push_back(field);
  }
  if (mount.destination.empty()) throw bad_word(word, "has no destination (dst=…)");
  if (mount.kind == MountWord::Kind::devpts) return devpts_mount(std::move(mount), options, word);
  const bool is_tmpfs = mount.kind == MountWord::Kind::tmpfs;
  if (is_tmpfs && !mount.source.empty()) throw bad_word(word, "a tmpfs has no source");
  for (const std::string_view option : options)
    if (!(is_tmpfs ? apply_tmpfs_option(mount, option) : apply_common_option(mount, option)))
      throw bad_word(word, concat("unknown option ", quoted(option)));
  if (mount.kind == MountWord::Kind::bind) {
    if (mount.source.empty()) throw bad_word(word, "a bind mount needs a source (src=…)");
    mount.source = absolute_source(mount.source, work_dir);
  }
  if (!mount.subpath.empty() && (is_tmpfs || mount.kind == MountWord::Kind::bind))
    throw bad_word(word, "only volumes and images have a subpath");
  if (mount.kind == MountWord::Kind::image)
    finish_image_mount(mount, word);
  else if (is_tmpfs)
    finish_tmpfs(mount, word);
  else
    add_bind_defaults(mount);
  return mount;
}

}  // namespace engine
