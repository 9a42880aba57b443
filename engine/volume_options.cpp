#include "engine/volume_options.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view mount_flags[] = {"ro",         "rw",       "nosuid", "suid",        "nodev",
                                            "dev",        "noexec",   "exec",   "nosymfollow", "noatime",
                                            "nodiratime", "relatime", "sync",   "async",       "strictatime"};
constexpr std::string_view tmpfs_values[] = {"size", "mode", "nr_inodes", "nr_blocks", "huge"};

template <class Table>
bool contains(const Table& table, std::string_view word) {
  return std::find(std::begin(table), std::end(table), word) != std::end(table);
}

std::uint32_t parse_id(std::string_view name, std::string_view value) {
  const auto id = base::parse_unsigned(value);
  if (!id || *id >= UINT32_MAX)
    throw make_error(ErrorKind::invalid_argument, "volume option o: ", name, "=", value, " is not an id");
  return static_cast<std::uint32_t>(*id);
}

VolumeMeaning::Kind kind_of(std::string_view type, bool is_bind) {
  if (is_bind || type == "bind") return VolumeMeaning::Kind::bind;
  if (type.empty()) return VolumeMeaning::Kind::folder;
  if (type == "tmpfs") return VolumeMeaning::Kind::tmpfs;
  if (type == "none")
    throw make_error(ErrorKind::invalid_argument, "volume option type=none means nothing without o=bind");
  throw make_error(ErrorKind::unsupported, "volume option type=", type, ": an ordinary user cannot mount ", type)
      .with_hint("mount it on the host, and use it by --opt type=none --opt o=bind --opt device=PATH");
}

void apply_mount_word(VolumeMeaning& meaning, std::string_view word) {
  const auto pair = base::split_once(word, '=');
  const std::string_view name = pair ? pair->first : word;
  if (pair && name == "uid")
    meaning.uid = parse_id(name, pair->second);
  else if (pair && name == "gid")
    meaning.gid = parse_id(name, pair->second);
  else if (word == "nocopy")
    meaning.copy_up = false;
  else if (contains(mount_flags, word))
    meaning.mount_options.emplace_back(word);
  else if (meaning.kind == VolumeMeaning::Kind::tmpfs && pair && contains(tmpfs_values, name))
    meaning.mount_options.emplace_back(word);
  else if (name == "size" || name == "inodes")
    throw make_error(ErrorKind::unsupported, "volume option o=", word, ": an ordinary user cannot set quotas")
        .with_hint("a volume in memory can have a size: --opt type=tmpfs --opt o=size=64m");
  else
    throw make_error(ErrorKind::invalid_argument, "volume option o: unknown mount option ", quoted(word));
}

bool is_bind_word(std::string_view word) {
  return word == "bind" || word == "rbind";
}

}  // namespace

VolumeMeaning parse_volume_options(const std::vector<std::pair<std::string, std::string>>& options) {
  std::string_view type, words;
  VolumeMeaning meaning;
  for (const auto& [name, value] : options) {
    if (name == "type")
      type = value;
    else if (name == "device")
      meaning.device = value;
    else if (name == "o")
      words = value;
    else
      throw make_error(ErrorKind::invalid_argument, "unknown option ", quoted(name), " of volume driver \"local\"")
          .with_hint("it knows type, device and o");
  }
  const std::vector<std::string_view> list = base::split(words, ',');
  meaning.kind = kind_of(type, std::any_of(list.begin(), list.end(), is_bind_word));
  for (const std::string_view word : list)
    if (!word.empty() && !is_bind_word(word)) apply_mount_word(meaning, word);
  if (meaning.kind == VolumeMeaning::Kind::folder && !meaning.device.empty())
    throw make_error(ErrorKind::invalid_argument, "volume option device=", meaning.device, " needs a type");
  if (meaning.kind == VolumeMeaning::Kind::bind && !meaning.device.starts_with('/'))
    throw make_error(ErrorKind::invalid_argument, "a volume with o=bind needs device=PATH, an absolute path");
  return meaning;
}

}  // namespace engine
