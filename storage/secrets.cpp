#include "storage/secrets.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace layout {
std::string secret(std::string_view name) {
  return base::concat(secrets_folder, "/", encode_name(name));
}
}  // namespace layout

namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_file_bytes = max_secret_bytes + 1024 * 1024;
constexpr const char* lock_file = ".lock";

std::string render(const Secret& secret) {
  base::JsonWriter json = begin_record();
  json.member("id", secret.id).member("name", secret.name);
  json.member("created", secret.created).member("updated", secret.updated);
  if (!secret.labels.empty()) json.member("labels", secret.labels);
  if (!secret.driver_options.empty()) json.member("driver_options", secret.driver_options);
  json.end_object();
  return json.take();
}

std::vector<std::pair<std::string, std::string>> map_or_empty(const base::JsonAt& json, std::string_view key) {
  const auto map = json.find(key);
  return map ? map->string_map() : std::vector<std::pair<std::string, std::string>>{};
}

Secret parse(std::string_view line, const std::string& file) {
  const base::JsonAt json = parse_record(line, base::concat("record of secret ", quoted(file)));
  Secret secret{.id = json.at("id").string(),
                .name = json.at("name").string(),
                .created = json.string_or("created", ""),
                .updated = json.string_or("updated", ""),
                .labels = map_or_empty(json, "labels"),
                .driver_options = map_or_empty(json, "driver_options")};
  if (!is_secret_name(secret.name) || layout::encode_name(secret.name) != file)
    throw make_error(ErrorKind::corrupt, "the record of secret ", quoted(file), " has another name");
  return secret;
}

/// The record and, after its line, the bytes.
std::optional<std::pair<Secret, std::string>> read_whole(const Store& store, const std::string& file) {
  const auto bytes = base::try_read_file(store.root(), base::concat(layout::secrets_folder, "/", file), max_file_bytes);
  if (!bytes) return std::nullopt;
  const auto parts = base::split_once(*bytes, '\n');
  if (!parts || parts->second.empty()) throw make_error(ErrorKind::corrupt, "secret ", quoted(file), " is cut off");
  return std::pair{parse(parts->first, file), std::string{parts->second}};
}

/// Held by who changes something. What a killed process left half written goes.
base::FileLock lock_secrets(int folder) {
  base::FileLock lock = base::FileLock::acquire(folder, lock_file, base::FileLock::Mode::exclusive, lock_rank::names);
  for (const std::string& name : base::list_directory(folder, "."))
    if (name.front() == '.' && name != lock_file) base::unlink_file(folder, name);
  return lock;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_secret_name(std::string_view name) {
  constexpr std::size_t most_bytes = 64;
  if (name.empty() || name.size() > most_bytes) return false;
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

bool create_secret(const Store& store, Secret secret, std::string_view data, bool replace) {
  const base::UniqueFd folder = base::make_directory(store.root(), layout::secrets_folder);
  const base::FileLock lock = lock_secrets(folder.get());
  const std::string file = layout::encode_name(secret.name);
  if (base::exists(folder.get(), file)) {
    if (!replace) return false;
    if (const auto old = read_secret_file(store, file)) {
      secret.id = old->id;
      secret.created = old->created;
    }
  }
  base::write_file_atomically(folder.get(), file, base::concat(render(secret), "\n", data));
  base::flush(store.root(), "the store");  // the folder may be new
  return true;
}

std::vector<std::string> secret_files(const Store& store) {
  std::vector<std::string> files;
  if (base::exists(store.root(), layout::secrets_folder)) {
    files = base::list_directory(store.root(), layout::secrets_folder);
    std::erase_if(files, [](const std::string& file) { return file.front() == '.'; });
  }
  return files;
}

std::optional<Secret> read_secret_file(const Store& store, const std::string& file) {
  auto whole = read_whole(store, file);
  if (!whole) return std::nullopt;
  return std::move(whole->first);
}

std::vector<Secret> list_secrets(const Store& store) {
  std::vector<Secret> secrets;
  for (const std::string& file : secret_files(store)) {
    try {
      if (auto secret = read_secret_file(store, file)) secrets.push_back(std::move(*secret));
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      base::log(base::LogLevel::warn, error.message());
    }
  }
  return secrets;
}

std::optional<Secret> find_secret(const Store& store, const std::string& text) {
  if (is_secret_name(text))
    if (auto named = read_secret_file(store, layout::encode_name(text))) return named;
  std::optional<Secret> found;
  for (Secret& secret : list_secrets(store)) {
    if (!secret.id.starts_with(text)) continue;
    if (found)
      throw make_error(ErrorKind::invalid_argument, "more than one secret has an id that begins with ", quoted(text))
          .with_hint("engine secret ls");
    found = std::move(secret);
  }
  return found;
}

std::string read_secret_data(const Store& store, const Secret& secret) {
  auto whole = read_whole(store, layout::encode_name(secret.name));
  if (!whole || whole->first.id != secret.id)
    throw make_error(ErrorKind::not_found, "secret ", quoted(secret.name), " was removed meanwhile");
  return std::move(whole->second);
}

bool remove_secret(const Store& store, const Secret& secret) {
  const auto folder = base::try_open_directory(store.root(), layout::secrets_folder);
  if (!folder) return false;
  const base::FileLock lock = lock_secrets(folder->get());
  const auto there = read_secret_file(store, layout::encode_name(secret.name));
  if (!there || there->id != secret.id) return false;
  base::unlink_file(folder->get(), layout::encode_name(secret.name));
  base::flush(folder->get(), "the folder of secrets");
  return true;
}

namespace {

constexpr const char* container_folder = "secrets";
constexpr const char* list_file = "list";

std::string render(const std::vector<ContainerSecret>& secrets) {
  base::JsonWriter json = begin_record();
  json.key("secrets").begin_array();
  for (const ContainerSecret& secret : secrets) {
    json.begin_object().member("name", secret.name).member("id", secret.id).member("target", secret.target);
    json.member("is_variable", secret.is_variable);
    json.member("uid", static_cast<std::uint64_t>(secret.uid)).member("gid", static_cast<std::uint64_t>(secret.gid));
    json.member("mode", static_cast<std::uint64_t>(secret.mode)).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace

void write_container_secrets(const Store& store, const ContainerDir& container,
                             const std::vector<ContainerSecret>& secrets) {
  if (secrets.empty()) return;
  const base::UniqueFd folder = base::make_directory(container.dir.get(), container_folder);
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto secret = read_secret_file(store, layout::encode_name(secrets[i].name));
    if (!secret || secret->id != secrets[i].id)
      throw make_error(ErrorKind::not_found, "secret ", quoted(secrets[i].name), " was removed meanwhile");
    base::write_file_atomically(folder.get(), base::concat(i), read_secret_data(store, *secret));
  }
  base::write_file_atomically(folder.get(), list_file, render(secrets));
}

std::vector<ContainerSecret> read_container_secrets(const ContainerDir& container) {
  std::vector<ContainerSecret> secrets;
  const auto folder = base::try_open_directory(container.dir.get(), container_folder);
  if (!folder) return secrets;
  const std::string bytes = base::read_file(folder->get(), list_file, max_record_bytes);
  const base::JsonAt json = parse_record(bytes, base::concat("secrets of container ", container.id));
  for (const base::JsonAt& one : json.at("secrets").array())
    secrets.push_back({.name = one.at("name").string(),
                       .id = one.at("id").string(),
                       .target = one.at("target").string(),
                       .is_variable = one.boolean_or("is_variable", false),
                       .uid = static_cast<std::uint32_t>(one.unsigned_or("uid", 0)),
                       .gid = static_cast<std::uint32_t>(one.unsigned_or("gid", 0)),
                       .mode = static_cast<mode_t>(one.unsigned_or("mode", 0444) & 0777)});
  return secrets;
}

std::string read_container_secret_data(const ContainerDir& container, std::size_t index) {
  return base::read_file(container.dir.get(), base::concat(container_folder, "/", index), max_secret_bytes);
}

}  // namespace storage
