#include "engine/volumes_from.hpp"

#include <string_view>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/selection.hpp"
#include "runtime/spec.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::string_view subpath_option = "x-engine.subpath=";

/// What the user asked for: no system mount, no device, none of the files that we write beside a container.
bool is_users_bind(const runtime::Mount& mount, const std::string& containers) {
  if (mount.type != "bind" || mount.source.starts_with(containers)) return false;
  for (const char* folder : {"/dev/", "/proc/", "/sys/"})
    if (mount.destination.starts_with(folder)) return false;
  return true;
}

MountWord as_word(const runtime::Mount& mount, bool read_only) {
  MountWord word{.kind = MountWord::Kind::bind, .source = mount.source, .destination = mount.destination};
  for (const std::string& option : mount.options)
    if (option.starts_with(subpath_option))
      word.subpath = option.substr(subpath_option.size());
    else if (!read_only || option != "rw")
      word.options.push_back(option);
  if (read_only) word.options.emplace_back("ro");
  return word;
}

/// Whether they make the mounts read-only.
bool parse_options(std::string_view word, std::string_view options) {
  bool read_only = false;
  for (const std::string_view option : base::split(options, ',')) {
    if (option == "ro")
      read_only = true;
    else if (option != "rw" && option != "z" && option != "Z")
      throw make_error(ErrorKind::invalid_argument, "--volumes-from ", quoted(word), ": unknown option ",
                       quoted(option));
  }
  return read_only;
}

}  // namespace

std::vector<MountWord> mounts_from(Engine& engine, const std::string& word) {
  const auto pair = base::split_once(word, ':');
  const bool read_only = pair && parse_options(word, pair->second);
  const storage::ContainerDir container =
      require_container(engine, std::string{pair ? pair->first : std::string_view{word}});
  const std::string config = base::read_file(container.dir.get(), "config.json", runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(config, base::concat("config.json of container ", container.id));
  const std::string containers = base::concat(engine.store().root_path(), "/containers/");
  std::vector<MountWord> words;
  for (const runtime::Mount& mount : spec.mounts)
    if (is_users_bind(mount, containers)) words.push_back(as_word(mount, read_only));
  return words;
}

std::string volume_of_source(Engine& engine, const std::string& path) {
  const std::string folder = base::concat(engine.store().root_path(), "/volumes/");
  constexpr std::string_view data = "/_data";
  if (!path.starts_with(folder) || !path.ends_with(data)) return {};
  const std::string encoded = path.substr(folder.size(), path.size() - folder.size() - data.size());
  if (encoded.find('/') != std::string::npos) return {};
  return storage::layout::decode_name(encoded);
}

}  // namespace engine
