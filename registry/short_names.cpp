#include "registry/short_names.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/open_source.hpp"

namespace registry {

namespace {

struct BuiltInAlias {
  std::string_view name;
  std::string_view target;
};

/// Images of registries other than Docker Hub that everybody calls by a short name.
constexpr BuiltInAlias aliases_elsewhere[] = {
    {"almalinux", "docker.io/library/almalinux"},
    {"buildah", "quay.io/buildah/stable"},
    {"centos", "quay.io/centos/centos"},
    {"fedora", "registry.fedoraproject.org/fedora"},
    {"fedora-minimal", "registry.fedoraproject.org/fedora-minimal"},
    {"opensuse/leap", "registry.opensuse.org/opensuse/leap"},
    {"opensuse/tumbleweed", "registry.opensuse.org/opensuse/tumbleweed"},
    {"podman", "quay.io/podman/stable"},
    {"skopeo", "quay.io/skopeo/stable"},
    {"ubi8", "registry.access.redhat.com/ubi8"},
    {"ubi9", "registry.access.redhat.com/ubi9"},
    {"ubi9/ubi", "registry.access.redhat.com/ubi9/ubi"},
};

/// Official images: docker.io/library/NAME.
constexpr std::string_view official_images[] = {
    "alpine",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "busybox",
    "caddy",
    "debian",
    "docker",
    "elixir",
    "gcc",
    "golang",
    "haproxy",
    "hello-world",
    "httpd",
    "mariadb",
    "maven",
    "memcached",
    "mongo",
    "mysql",
    "nextcloud",
    "nginx",
    "node",
    "openjdk",
    "oraclelinux",
    "perl",
    "php",
    "postgres",
    "python",
    "rabbitmq",
    "redis",
    "registry",
    "rockylinux",
    "ruby",
    "rust",
    "traefik",
    "ubuntu",
    "wordpress",
    "eclipse-temurin",
    "swift",
};

std::optional<std::string> built_in_alias(std::string_view name) {
  for (const BuiltInAlias& alias : aliases_elsewhere) {
    if (alias.name == name) return std::string{alias.target};
  }
  if (std::find(std::begin(official_images), std::end(official_images), name) == std::end(official_images))
    return std::nullopt;
  return base::concat("docker.io/library/", name);
}

/// Of the configuration; an empty value takes an alias back, also a built-in one.
std::optional<std::string> find_alias(std::string_view name, const RegistriesConf& conf) {
  for (const auto& [alias, target] : conf.aliases) {
    if (alias != name) continue;
    return target.empty() ? std::nullopt : std::optional{target};
  }
  // With the mode "disabled" the search list decides alone.
  if (conf.short_name_mode == ShortNameMode::disabled && conf.unqualified_search) return std::nullopt;
  return built_in_alias(name);
}

/// Where the tag or digest of a name without a registry begins.
std::size_t suffix_position(std::string_view name) {
  return std::min(name.find_first_of(":@"), name.size());
}

/// In podman's words.
base::Error ambiguous(std::string_view name, const std::vector<std::string>& candidates) {
  return base::make_error(base::ErrorKind::invalid_argument,
                          "short-name resolution enforced but cannot prompt without a TTY: ", base::quoted(name),
                          " may mean several images")
      .with_hint(base::concat("give the full name: ", base::join(candidates, ", ")));
}

/// One for each registry that is searched.
std::vector<std::string> searched_names(std::string_view name, const RegistriesConf& conf) {
  std::vector<std::string> candidates;
  for (const std::string& registry : *conf.unqualified_search) {
    const std::string full = base::concat(registry, "/", name);
    if (!oci::Reference::is_qualified(full))
      throw base::make_error(base::ErrorKind::invalid_argument, "unqualified-search-registries holds ",
                             base::quoted(registry), ", which names no host");
    candidates.push_back(oci::Reference::parse(full).to_string());
  }
  return candidates;
}

}  // namespace

std::vector<std::string> short_name_candidates(std::string_view name, const RegistriesConf& conf) {
  const oci::Reference plain = oci::Reference::parse(name);  // refuses what the grammar forbids
  if (oci::Reference::is_qualified(name)) return {plain.to_string()};
  const std::size_t end = suffix_position(name);
  if (const std::optional<std::string> target = find_alias(name.substr(0, end), conf))
    return {oci::Reference::parse(*target + std::string{name.substr(end)}).to_string()};
  if (!conf.unqualified_search) return {plain.to_string()};
  if (conf.unqualified_search->empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "short name ", base::quoted(name),
                           " has no alias, and unqualified-search-registries in registries.conf is empty")
        .with_hint(base::concat("give the full name, as in ", plain.to_string()));
  std::vector<std::string> candidates = searched_names(name, conf);
  if (candidates.size() > 1 && conf.short_name_mode == ShortNameMode::enforcing) throw ambiguous(name, candidates);
  return candidates;
}

std::vector<std::string> short_name_choices(std::string_view name, const RegistriesConf& conf) {
  oci::Reference::parse(name);
  const bool is_open = !oci::Reference::is_qualified(name) && conf.unqualified_search &&
                       conf.unqualified_search->size() > 1 && conf.short_name_mode != ShortNameMode::disabled;
  if (!is_open || find_alias(name.substr(0, suffix_position(name)), conf)) return {};
  return searched_names(name, conf);
}

std::string add_short_name_alias(std::string_view toml, const std::string& file, std::string_view name,
                                 const oci::Reference& target) {
  RegistriesConf known;
  merge_registries_conf(known, toml, file);
  std::map<std::string, std::string> aliases(known.aliases.begin(), known.aliases.end());
  aliases.insert_or_assign(std::string{name.substr(0, suffix_position(name))}, target.repository());
  // Names are of a grammar without quotes and backslashes.
  std::string text = "[aliases]\n";
  for (const auto& [alias, value] : aliases) text += base::concat("  \"", alias, "\" = \"", value, "\"\n");
  return text;
}

std::vector<std::string> resolve_short_name(std::string_view name, const RegistryOptions& options) {
  return short_name_candidates(name, load_registries_conf(options.registries_conf));
}

}  // namespace registry
