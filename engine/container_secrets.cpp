#include "engine/container_secrets.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/container_ids.hpp"
#include "engine/inside.hpp"
#include "engine/secret_words.hpp"
#include "rootless/id_ranges.hpp"
#include "storage/layout.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr const char* run_folder = "secrets";
constexpr const char* place_folder = "place";  // what becomes /run/secrets

/// Its path below /run/secrets; nothing for another place.
std::optional<std::string> below_place(const storage::ContainerSecret& secret) {
  const std::string prefix = concat(secrets_place, "/");
  if (secret.is_variable || !secret.target.starts_with(prefix)) return std::nullopt;
  return secret.target.substr(prefix.size());
}

/// Where the bytes of one are, relative to the container's folder in the run folder.
std::string file_of(const storage::ContainerSecret& secret, std::size_t index) {
  const auto below = below_place(secret);
  return below ? concat(place_folder, "/", *below) : concat(index);
}

base::UniqueFd make_parents(int folder, const std::string& file) {
  base::UniqueFd parent = base::open_directory(folder, ".");
  const auto parts = base::split(file, '/');
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    parent = base::make_directory(parent.get(), std::string{parts[i]});
    if (::fchmod(parent.get(), 0755) != 0) throw base::os_error("setting the mode of a folder of secrets");
  }
  return parent;
}

void write_one(int folder, const std::string& file, const std::string& data, mode_t mode) {
  const base::UniqueFd parent = make_parents(folder, file);
  const std::string name = file.substr(file.rfind('/') + 1);
  const base::UniqueFd fd{::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd) throw base::os_error("making the secret ", quoted(file));
  base::write_all(fd.get(), data);
  if (::fchmod(fd.get(), mode) != 0) throw base::os_error("setting the mode of the secret ", quoted(file));
}

void give_to_owners(Engine& engine, const std::string& folder, const std::vector<storage::ContainerSecret>& secrets,
                    const rootless::IdMap& map) {
  std::vector<std::string> words{"own-secrets", folder};
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const storage::ContainerSecret& secret = secrets[i];
    const bool is_ours = rootless::map_out(map.uids, secret.uid) == engine.host.uid &&
                         rootless::map_out(map.gids, secret.gid) == engine.host.gid;
    if (secret.is_variable || is_ours) continue;
    words.push_back(file_of(secret, i));
    words.push_back(concat(intermediate_uid(engine, map, secret.uid)));
    words.push_back(concat(intermediate_gid(engine, map, secret.gid)));
  }
  if (words.size() > 2) run_inside(engine, words);
}

/// Of containers that were removed while nobody could tidy up.
void remove_leftovers(const storage::Store& store, int folder) {
  for (const std::string& name : base::list_directory(folder, ".")) {
    const std::string id = name.front() == '.' ? name.substr(1) : name;
    if (!storage::layout::is_container_id(id) || !storage::open_container(store, id)) base::remove_tree(folder, name);
  }
}

}  // namespace

std::vector<storage::ContainerSecret> choose_secrets(Engine& engine, const RunOptions& options,
                                                     const rootless::IdMap& map) {
  std::vector<storage::ContainerSecret> chosen;
  for (const std::string& word : options.secrets) {
    storage::ContainerSecret wanted = parse_secret_word(word);
    const auto secret = storage::find_secret(engine.store(), wanted.name);
    if (!secret)
      throw make_error(ErrorKind::not_found, "no secret with name or id ", quoted(wanted.name), ": no such secret")
          .with_hint(concat("engine secret create ", wanted.name, " FILE"));
    if (!rootless::map_out(map.uids, wanted.uid) || !rootless::map_out(map.gids, wanted.gid))
      throw make_error(ErrorKind::unsupported, "--secret ", quoted(word), ": the container has no user ", wanted.uid,
                       ":", wanted.gid);
    if (wanted.target == wanted.name || wanted.target == concat(secrets_place, "/", wanted.name))
      wanted.target.replace(wanted.target.size() - wanted.name.size(), wanted.name.size(), secret->name);
    wanted.name = secret->name;
    wanted.id = secret->id;
    if (wanted.is_variable && storage::read_secret_data(engine.store(), *secret).find('\0') != std::string::npos)
      throw make_error(ErrorKind::invalid_argument, "secret ", quoted(wanted.name),
                       " has a NUL byte and so cannot be a variable")
          .with_hint("--secret NAME without type=env makes it a file");
    std::erase_if(chosen, [&](const storage::ContainerSecret& other) {  // the last one counts
      return other.target == wanted.target && other.is_variable == wanted.is_variable;
    });
    chosen.push_back(std::move(wanted));
  }
  return chosen;
}

std::vector<runtime::Mount> secret_mounts(Engine& engine, const std::string& id,
                                          const std::vector<storage::ContainerSecret>& secrets) {
  const std::vector<std::string> options{"bind", "rprivate", "nosuid", "nodev", "noexec", "ro"};
  const std::string folder = concat(engine.store().run_path(), "/", run_folder, "/", id, "/");
  std::vector<runtime::Mount> mounts;
  if (std::any_of(secrets.begin(), secrets.end(), [](const auto& secret) { return below_place(secret).has_value(); }))
    mounts.push_back({std::string{secrets_place}, "bind", folder + place_folder, options});
  for (std::size_t i = 0; i < secrets.size(); ++i)
    if (!secrets[i].is_variable && !below_place(secrets[i]))
      mounts.push_back({secrets[i].target, "bind", folder + file_of(secrets[i], i), options});
  return mounts;
}

void prepare_secrets(Engine& engine, const storage::ContainerDir& container, const rootless::IdMap& map) {
  const std::vector<storage::ContainerSecret> secrets = storage::read_container_secrets(container);
  if (secrets.empty()) return;
  const storage::Store& store = engine.store();
  const base::UniqueFd all = base::make_directory(store.run(), run_folder);
  if (base::exists(all.get(), container.id)) return;
  remove_leftovers(store, all.get());
  const std::string unfinished = concat(".", container.id);
  base::remove_tree(all.get(), unfinished);  // of a start that was killed
  const base::UniqueFd folder = base::make_directory(all.get(), unfinished);
  for (std::size_t i = 0; i < secrets.size(); ++i)
    if (!secrets[i].is_variable)
      write_one(folder.get(), file_of(secrets[i], i), storage::read_container_secret_data(container, i),
                secrets[i].mode);
  give_to_owners(engine, concat(store.run_path(), "/", run_folder, "/", unfinished), secrets, map);
  base::rename_replace(all.get(), unfinished, all.get(), container.id);
}

void add_secret_variables(const storage::ContainerDir& container, std::vector<std::string>& env) {
  const std::vector<storage::ContainerSecret> secrets = storage::read_container_secrets(container);
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (!secrets[i].is_variable) continue;
    const std::string start = secrets[i].target + "=";
    std::erase_if(env, [&](const std::string& one) { return one.starts_with(start); });
    env.push_back(start + storage::read_container_secret_data(container, i));
  }
}

void forget_secrets(const storage::Store& store, const std::string& id) {
  if (const auto all = base::try_open_directory(store.run(), run_folder)) base::remove_tree(all->get(), id);
}

void own_secrets(const std::vector<std::string>& words) {
  const base::UniqueFd folder = base::open_directory(AT_FDCWD, words.at(1));
  for (std::size_t i = 2; i + 2 < words.size(); i += 3) {
    const auto uid = base::parse_unsigned(words[i + 1]), gid = base::parse_unsigned(words[i + 2]);
    if (!uid || !gid) throw make_error(ErrorKind::internal, quoted(words[i + 1]), " is not an id");
    if (::fchownat(folder.get(), words[i].c_str(), static_cast<uid_t>(*uid), static_cast<gid_t>(*gid),
                   AT_SYMLINK_NOFOLLOW) != 0)
      throw base::os_error("giving the secret ", quoted(words[i]), " its owner");
  }
}

}  // namespace engine
