#include "engine/short_name_choice.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "registry/open_source.hpp"
#include "registry/short_names.hpp"
#include "storage/images.hpp"

namespace engine {
namespace {

constexpr std::size_t max_aliases_bytes = 4 * 1024 * 1024;
constexpr const char* file_name = "short-name-aliases.conf";
constexpr mode_t readable_by_all = 0644;

}  // namespace

std::vector<std::string> short_name_choices(Engine& engine, const std::string& typed, bool may_be_stored) {
  const registry::SourceName name = registry::parse_source_name(typed);
  if (name.transport != "docker" || name.rest != typed) return {};  // docker:// asks for a registry's own name
  const auto conf = registry::load_registries_conf(engine.config.registries_conf);
  std::vector<std::string> choices = registry::short_name_choices(typed, conf);
  if (may_be_stored && !choices.empty() && storage::find_image(engine.store(), typed)) return {};
  return choices;
}

void remember_short_name(Engine& engine, const std::string& typed, const std::string& chosen) {
  const base::UniqueFd cache = base::make_directory(AT_FDCWD, engine.host.cache_dir);
  const base::UniqueFd folder = base::make_directory(cache.get(), "containers");
  // The lock that containers/image takes, with a name that it knows.
  const base::FileLock lock =
      base::FileLock::acquire(folder.get(), base::concat(file_name, ".lock"), base::FileLock::Mode::exclusive);
  const std::string before = base::try_read_file(folder.get(), file_name, max_aliases_bytes).value_or("");
  const std::string after = registry::add_short_name_alias(before, file_name, typed, oci::Reference::parse(chosen));
  base::write_file_atomically(folder.get(), file_name, after, base::Durability::flushed, readable_by_all);
}

}  // namespace engine
