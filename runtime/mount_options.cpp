#include "runtime/mount_options.hpp"

#include <algorithm>
#include <iterator>
#include <linux/mount.h>
#include <string_view>

#include "base/error.hpp"

namespace runtime {
namespace {

// <sys/mount.h> and <linux/mount.h> exclude each other in glibc 2.36; these four come from the former.
constexpr std::uint64_t propagation_unbindable = 1u << 17;
constexpr std::uint64_t propagation_private = 1u << 18;
constexpr std::uint64_t propagation_slave = 1u << 19;
constexpr std::uint64_t propagation_shared = 1u << 20;

struct AttributeOption {
  std::string_view name;
  std::uint64_t set;
  std::uint64_t clear;
};

// Each may also stand with an "r" in front, for the whole tree. An access time mode is a field, not a bit: it is set by
// clearing the field first. Source: mount_setattr(2).
constexpr AttributeOption attribute_options[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", 0, MOUNT_ATTR__ATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
};

struct PropagationOption {
  std::string_view name;
  std::uint64_t propagation;
};

constexpr PropagationOption propagation_options[] = {
    {"private", propagation_private},
    {"slave", propagation_slave},
    {"shared", propagation_shared},
    {"unbindable", propagation_unbindable},
};

// Properties of a superblock that fsconfig(2) takes as flags.
constexpr std::string_view superblock_flags[] = {"sync",       "async", "dirsync", "lazytime",
                                                 "nolazytime", "mand",  "nomand"};

// Words that change nothing here.
constexpr std::string_view ignored_options[] = {"defaults", "silent", "loud", "nofail"};

constexpr std::string_view advisory_options[] = {"iversion", "noiversion"};

struct WordOption {
  std::string_view name;
  bool MountOptions::*meaning;
};

constexpr WordOption word_options[] = {
    {"bind", &MountOptions::bind},
    {"remount", &MountOptions::remount},
    {"tmpcopyup", &MountOptions::copy_up},
    {"src-nofollow", &MountOptions::source_nofollow},
    {"dest-nofollow", &MountOptions::destination_nofollow},
    {"copy-symlink", &MountOptions::copy_symlink},
};

template <class Table>
bool contains(const Table& table, std::string_view name) {
  for (const std::string_view entry : table)
    if (entry == name) return true;
  return false;
}

const AttributeOption* find_attribute(std::string_view name) {
  for (const AttributeOption& option : attribute_options)
    if (option.name == name) return &option;
  return nullptr;
}

bool apply_attribute(MountOptions& result, std::string_view name) {
  if (const AttributeOption* option = find_attribute(name)) {
    result.set = (result.set & ~option->clear) | option->set;
    result.clear = (result.clear & ~option->set) | option->clear;
    return true;
  }
  if (!name.starts_with('r')) return false;
  if (const AttributeOption* option = find_attribute(name.substr(1))) {
    result.recursive_set = (result.recursive_set & ~option->clear) | option->set;
    result.recursive_clear = (result.recursive_clear & ~option->set) | option->clear;
    return true;
  }
  return false;
}

bool apply_word(MountOptions& result, const std::string& name) {
  for (const WordOption& option : word_options) {
    if (name != option.name) continue;
    result.*option.meaning = true;
    return true;
  }
  if (name == "rbind") {
    result.bind = result.recursive_bind = true;
  } else if (name == "idmap") {
    result.id_map = IdMap::single;
  } else if (name == "ridmap") {
    result.id_map = IdMap::recursive;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::pair<std::uint64_t, bool>> parse_propagation(const std::string& word) {
  for (const PropagationOption& option : propagation_options) {
    if (word == option.name) return std::pair{option.propagation, false};
    if (word.starts_with('r') && std::string_view{word}.substr(1) == option.name)
      return std::pair{option.propagation, true};
  }
  return std::nullopt;
}

MountOptions parse_mount_options(const std::vector<std::string>& options) {
  MountOptions result;
  for (const std::string& option : options) {
    if (option.empty() || contains(ignored_options, option)) continue;
    if (const auto propagation = parse_propagation(option)) {
      result.propagation = propagation->first;
      result.recursive_propagation = propagation->second;
      continue;
    }
    if (apply_word(result, option) || apply_attribute(result, option)) continue;
    if (contains(advisory_options, option)) {
      result.advisory.push_back(option);
      continue;
    }
    const auto field = base::split_once(option, '=');
    if (!field) {
      result.data.emplace_back(option, std::nullopt);
    } else if (field->first == "x-engine.subpath") {
      result.subpath = field->second;
    } else {
      if (field->first.empty())
        throw base::make_error(base::ErrorKind::invalid_argument, "mount option ", base::quoted(option),
                               " has no name");
      result.data.emplace_back(std::string{field->first}, std::string{field->second});
    }
  }
  return result;
}

std::vector<std::string> mount_option_names() {
  std::vector<std::string> names = {"rbind", "idmap", "ridmap"};
  for (const WordOption& option : word_options) names.emplace_back(option.name);
  for (const AttributeOption& option : attribute_options) {
    names.emplace_back(option.name);
    names.push_back(base::concat('r', option.name));
  }
  for (const PropagationOption& option : propagation_options) {
    names.emplace_back(option.name);
    names.push_back(base::concat('r', option.name));
  }
  for (const std::string_view name : superblock_flags) names.emplace_back(name);
  for (const std::string_view name : ignored_options) names.emplace_back(name);
  for (const std::string_view name : advisory_options) names.emplace_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace runtime
