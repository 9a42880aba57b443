#include "registry/registries_conf.hpp"

#include <algorithm>
#include <stdexcept>

// The library asserts what a wrong file makes untrue ("[@" where a key shall begin): that must be an error, no abort.
[[noreturn]] static void refuse_toml() {
  throw std::invalid_argument("a key that begins with neither a letter nor a quote");
}
#define TOML_ASSERT(condition) ((condition) ? void() : refuse_toml())
#include <toml++/toml.h>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_conf_bytes = 1024 * 1024;

/// Tells file and line of a value that makes no sense.
class ConfReader {
 public:
  explicit ConfReader(const std::string& file) : file_(file) {}

  base::Error error(const toml::source_region& where, std::string_view problem) const {
    return base::make_error(base::ErrorKind::invalid_argument, file_, ":", where.begin.line, ": ", problem);
  }
  std::string string(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    const std::optional<std::string> value = node->value_exact<std::string>();
    if (!value) throw error(node->source(), base::concat(key, " is not a string"));
    return *value;
  }
  bool boolean(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return false;
    const std::optional<bool> value = node->value_exact<bool>();
    if (!value) throw error(node->source(), base::concat(key, " is neither true nor false"));
    return *value;
  }
  /// The tables of an array of tables; none when the key is absent.
  std::vector<const toml::table*> tables(const toml::table& table, std::string_view key) const {
    std::vector<const toml::table*> found;
    const toml::node* node = table.get(key);
    if (node == nullptr) return found;
    const toml::array* array = node->as_array();
    if (array == nullptr)
      throw error(node->source(), base::concat(key, " is not an array of tables: write [[", key, "]]"));
    for (const toml::node& element : *array) {
      if (element.as_table() == nullptr)
        throw error(element.source(), base::concat(key, " holds something else than tables"));
      found.push_back(element.as_table());
    }
    return found;
  }

 private:
  const std::string& file_;
};

/// Configuration files often hold "https://host/" where "host" is meant.
std::string clean_location(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme != std::string::npos) text.erase(0, scheme + 3);
  while (!text.empty() && text.back() == '/') text.pop_back();
  return text;
}

PullFromMirror parse_pull_from(const ConfReader& reader, const toml::table& table) {
  const std::string text = reader.string(table, "pull-from-mirror");
  if (text.empty() || text == "all") return PullFromMirror::all;
  if (text == "digest-only") return PullFromMirror::digest_only;
  if (text == "tag-only") return PullFromMirror::tag_only;
  throw reader.error(table.source(), "pull-from-mirror is neither all, digest-only nor tag-only");
}

Mirror parse_mirror(const ConfReader& reader, const toml::table& table) {
  Mirror mirror;
  mirror.location = clean_location(reader.string(table, "location"));
  if (mirror.location.empty()) throw reader.error(table.source(), "a mirror without a location");
  mirror.insecure = reader.boolean(table, "insecure");
  mirror.pull_from = parse_pull_from(reader, table);
  return mirror;
}

RegistryEntry parse_registry(const ConfReader& reader, const toml::table& table) {
  RegistryEntry entry;
  entry.prefix = clean_location(reader.string(table, "prefix"));
  entry.location = clean_location(reader.string(table, "location"));
  if (entry.prefix.empty()) entry.prefix = entry.location;
  if (entry.prefix.empty()) throw reader.error(table.source(), "a registry with neither prefix nor location");
  const bool is_wildcard = entry.prefix.substr(0, 2) == "*.";
  if (is_wildcard && entry.prefix.find('/') != std::string::npos)
    throw reader.error(table.source(), "a wildcard prefix may not hold a path");
  if (entry.prefix.find('*', is_wildcard ? 1 : 0) != std::string::npos)
    throw reader.error(table.source(), "only \"*.host\" is allowed as a wildcard prefix");
  if (entry.location.empty() && !is_wildcard) entry.location = entry.prefix;
  entry.insecure = reader.boolean(table, "insecure");
  entry.blocked = reader.boolean(table, "blocked");
  entry.mirror_by_digest_only = reader.boolean(table, "mirror-by-digest-only");
  for (const toml::table* mirror : reader.tables(table, "mirror"))
    entry.mirrors.push_back(parse_mirror(reader, *mirror));
  return entry;
}

/// Nothing when the key is absent.
std::optional<std::vector<std::string>> read_strings(const ConfReader& reader, const toml::table& root,
                                                     std::string_view key) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return std::nullopt;
  const toml::array* array = node->as_array();
  if (array == nullptr) throw reader.error(node->source(), base::concat(key, " is not an array"));
  std::vector<std::string> strings;
  for (const toml::node& element : *array) {
    const std::optional<std::string> text = element.value_exact<std::string>();
    if (!text) throw reader.error(element.source(), base::concat(key, " holds something else than strings"));
    strings.push_back(*text);
  }
  return strings;
}

void merge_search(const ConfReader& reader, const toml::table& root, RegistriesConf& conf) {
  auto search = read_strings(reader, root, "unqualified-search-registries");
  if (!search) return;
  for (std::string& name : *search) name = clean_location(name);
  conf.unqualified_search = std::move(search);
}

void merge_mode(const ConfReader& reader, const toml::table& root, RegistriesConf& conf) {
  const std::string mode = reader.string(root, "short-name-mode");
  if (mode.empty()) return;
  if (mode == "enforcing")
    conf.short_name_mode = ShortNameMode::enforcing;
  else if (mode == "permissive")
    conf.short_name_mode = ShortNameMode::permissive;
  else if (mode == "disabled")
    conf.short_name_mode = ShortNameMode::disabled;
  else
    throw reader.error(root.get("short-name-mode")->source(),
                       "short-name-mode is neither enforcing, permissive nor disabled");
}

void merge_aliases(const ConfReader& reader, const toml::table& root, RegistriesConf& conf) {
  const toml::node* node = root.get("aliases");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) throw reader.error(node->source(), "aliases is not a table");
  for (const auto& [key, value] : *table) {
    const std::string name{key.str()};
    std::string target = reader.string(*table, name);
    const auto found =
        std::find_if(conf.aliases.begin(), conf.aliases.end(), [&](const auto& alias) { return alias.first == name; });
    if (found == conf.aliases.end())
      conf.aliases.emplace_back(name, std::move(target));
    else
      found->second = std::move(target);
  }
}

/// Bytes of `name` that `prefix` covers, or nothing. `name` starts with a host.
std::optional<std::size_t> match_prefix(std::string_view name, std::string_view prefix) {
  if (prefix.substr(0, 2) == "*.") {
    const std::size_t host_end = std::min(name.find_first_of("/"), name.size());
    std::string_view host = name.substr(0, host_end);
    if (prefix.find(':') == std::string_view::npos) host = host.substr(0, host.find(':'));
    const std::string_view suffix = prefix.substr(1);
    if (host.size() <= suffix.size() || host.substr(host.size() - suffix.size()) != suffix) return std::nullopt;
    return host.size();
  }
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  if (name.size() == prefix.size()) return prefix.size();
  const char next = name[prefix.size()];
  return next == '/' || next == ':' || next == '@' ? std::optional{prefix.size()} : std::nullopt;
}

/// The name with the part that `prefix` covers replaced by `location`.
oci::Reference rewrite(const oci::Reference& reference, std::string_view prefix, const std::string& location) {
  if (location.empty()) return reference;
  const std::string name = reference.to_string();
  const std::optional<std::size_t> covered = match_prefix(name, prefix);
  const std::string text = location + name.substr(covered.value_or(0));
  // "registry/library/x" would be read as a repository of Docker Hub.
  if (!oci::Reference::is_qualified(text))
    throw base::make_error(base::ErrorKind::invalid_argument, "location ", base::quoted(location),
                           " of registries.conf names no host")
        .with_hint("add a port, as in \"host:5000\", or a domain");
  return base::with_context([&] { return oci::Reference::parse(text); }, "location ", base::quoted(location),
                            " of registries.conf");
}

}  // namespace

void merge_registries_conf(RegistriesConf& conf, std::string_view text, const std::string& file) {
  const ConfReader reader{file};
  // The library asserts that it meets none where a key begins.
  if (text.find('\0') != std::string_view::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, file, ": holds a NUL byte");
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw reader.error(error.source(), error.description());
  } catch (const std::invalid_argument& error) {
    throw base::make_error(base::ErrorKind::invalid_argument, file, ": ", error.what());
  }
  if (const toml::node* old = root.get("registries"); old != nullptr && old->is_table()) {
    base::Error error = reader.error(old->source(), "this is version 1 of the format, which is not read any more");
    throw std::move(error).with_hint(
        "write unqualified-search-registries = [\"…\"] and [[registry]] tables: containers-registries.conf(5)");
  }
  merge_search(reader, root, conf);
  if (auto helpers = read_strings(reader, root, "credential-helpers")) conf.credential_helpers = std::move(*helpers);
  merge_mode(reader, root, conf);
  merge_aliases(reader, root, conf);
  for (const toml::table* table : reader.tables(root, "registry")) {
    RegistryEntry entry = parse_registry(reader, *table);
    const auto found = std::find_if(conf.registries.begin(), conf.registries.end(),
                                    [&](const RegistryEntry& other) { return other.prefix == entry.prefix; });
    if (found == conf.registries.end())
      conf.registries.push_back(std::move(entry));
    else
      *found = std::move(entry);
  }
}

RegistriesConf load_registries_conf(const std::vector<std::string>& files) {
  RegistriesConf conf;
  for (const std::string& file : files) {
    if (const std::optional<std::string> text = base::try_read_host_file(file, max_conf_bytes))
      merge_registries_conf(conf, *text, file);
  }
  return conf;
}

const RegistryEntry* find_registry(const RegistriesConf& conf, const oci::Reference& reference) {
  const std::string name = reference.to_string();
  const RegistryEntry* best = nullptr;
  for (const RegistryEntry& entry : conf.registries) {
    if (match_prefix(name, entry.prefix) && (best == nullptr || entry.prefix.size() > best->prefix.size()))
      best = &entry;
  }
  return best;
}

std::vector<PullPlace> pull_places(const RegistriesConf& conf, const oci::Reference& reference) {
  const RegistryEntry* entry = find_registry(conf, reference);
  if (entry == nullptr) return {{.reference = reference}};
  if (entry->blocked)
    throw base::make_error(base::ErrorKind::permission, "registry ", base::quoted(entry->prefix),
                           " is blocked in registries.conf");
  std::vector<PullPlace> places;
  for (const Mirror& mirror : entry->mirrors) {
    const bool by_digest = reference.digest().has_value();
    if (!by_digest && (entry->mirror_by_digest_only || mirror.pull_from == PullFromMirror::digest_only)) continue;
    if (by_digest && mirror.pull_from == PullFromMirror::tag_only) continue;
    places.push_back({rewrite(reference, entry->prefix, mirror.location), mirror.insecure, true});
  }
  places.push_back({rewrite(reference, entry->prefix, entry->location), entry->insecure, false});
  return places;
}

}  // namespace registry
