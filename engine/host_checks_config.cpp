// Configuration files: whether they can be read, and say what they must.
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/cdi.hpp"
#include "engine/host_checks.hpp"
#include "engine/toml_file.hpp"

namespace engine {
namespace {

using base::concat;

std::vector<std::string> places_of(const HostView& host, const std::string& name) {
  return {host.home + "/.config/containers/" + name, "/etc/containers/" + name, "/usr/share/containers/" + name};
}

CheckResult broken(const std::string& path, const base::Error& error, const char* consequence) {
  return {.status = CheckStatus::problem,
          .evidence = error.message(),
          .consequence = consequence,
          .remedy = concat("correct ", path, ", or move it away")};
}

/// TOML of these places; the first that cannot be parsed is the finding.
CheckResult check_toml(const HostView& host, const std::string& name, const char* consequence) {
  std::vector<std::string> read;
  for (const std::string& path : places_of(host, name)) {
    const auto text = host.read(path);
    if (!text) continue;
    try {
      TomlFile::parse(*text, path);
    } catch (const base::Error& error) {
      return broken(path, error, consequence);
    }
    read.push_back(path);
  }
  return {.evidence = read.empty() ? "none: defaults hold" : base::join(read, ", ")};
}

CheckResult containers_conf(const HostView& host) {
  return check_toml(host, "containers.conf", "no command works");
}
CheckResult storage_conf(const HostView& host) {
  return check_toml(host, "storage.conf", "no command works");
}
CheckResult engine_conf(const HostView& host) {
  return check_toml(host, "engine.conf", "no command works");
}
CheckResult registries_conf(const HostView& host) {
  return check_toml(host, "registries.conf", "no image can be pulled");
}

CheckResult search_registries(const HostView& host) {
  for (const std::string& path : places_of(host, "registries.conf")) {
    const auto text = host.read(path);
    if (!text) continue;
    try {
      const auto names = TomlFile::parse(*text, path).strings("unqualified-search-registries");
      if (names && !names->empty()) return {.evidence = concat(base::join(*names, ", "), " (", path, ")")};
    } catch (const base::Error&) {
      return {.status = CheckStatus::note, .evidence = concat(path, " cannot be read, see above")};
    }
    break;
  }
  return {.status = CheckStatus::note,
          .evidence = "no registries.conf says where to look for short names",
          .consequence = "\"busybox\" means docker.io/library/busybox",
          .remedy = concat("unqualified-search-registries = [\"docker.io\"] in ", host.home,
                           "/.config/containers/registries.conf makes that explicit")};
}

/// Source: containers-policy.json(5), of which a file must have "default".
CheckResult policy(const HostView& host) {
  for (const char* folder : {"user", "system"}) {
    const bool is_user = std::string_view{folder} == "user";
    const std::string path = is_user ? host.home + "/.config/containers/policy.json" : "/etc/containers/policy.json";
    const auto text = host.read(path);
    if (!text) continue;
    try {
      if (base::JsonAt::parse(*text, path).at("default").is_array()) return {.evidence = path};
      throw base::make_error(base::ErrorKind::corrupt, path, ": \"default\" is no list");
    } catch (const base::Error& error) {
      return broken(path, error, "no image can be pulled");
    }
  }
  return {.evidence = "none: every image is accepted"};
}

CheckResult auth_file(const HostView& host) {
  const std::string runtime = host.environment("XDG_RUNTIME_DIR").value_or("/run");
  const std::string named = host.environment("REGISTRY_AUTH_FILE").value_or("");
  for (const std::string& path : {named, runtime + "/containers/auth.json", host.home + "/.config/containers/auth.json",
                                  host.home + "/.docker/config.json"}) {
    if (path.empty()) continue;
    const auto text = host.read(path);
    if (!text) continue;
    try {
      base::JsonAt::parse(text->empty() ? "{}" : *text, path);
    } catch (const base::Error& error) {
      return broken(path, error, "logins are not found: private images cannot be pulled");
    }
    const auto file = host.look(path);
    if (file && (file->mode & 0077) != 0 && text->find("\"auth\"") != std::string::npos)
      return {.status = CheckStatus::warning,
              .evidence = concat("others can read ", path),
              .consequence = "they can read the passwords in it",
              .remedy = concat("chmod 600 ", path),
              .script = concat("chmod 600 ", path)};
  }
  return {.evidence = "logins are kept well, if there are any"};
}

CheckResult cdi_files(const HostView& host) {
  for (const std::string folder : {"/etc/cdi", "/var/run/cdi"}) {
    for (const std::string& name : host.list(folder)) {
      const std::string path = concat(folder, "/", name);
      if (!name.ends_with(".json") && !name.ends_with(".yaml")) continue;
      try {
        const CdiFile file = parse_cdi_file(host.read(path).value_or(""), path);
        for (const CdiDevice& device : file.devices)
          for (const CdiEdits::Node& node : device.edits.nodes)
            if (!host.look(node.host_path))
              return {.status = CheckStatus::warning,
                      .evidence = concat(path, " names ", node.host_path, ", which is not there"),
                      .consequence = concat("--device ", file.kind, "=", device.name, " fails"),
                      .remedy = "make the file again, as nvidia-ctk cdi generate does after a new driver"};
      } catch (const base::Error& error) {
        return broken(path, error, "its devices cannot be given to containers");
      }
    }
  }
  return {.evidence = "every device in them is there"};
}

CheckResult seccomp_profile(const HostView& host) {
  const std::string path = "/etc/containers/seccomp.json";
  const auto text = host.read(path);
  if (!text) return {.evidence = "the built-in one"};
  try {
    base::JsonAt::parse(*text, path).at("defaultAction");
  } catch (const base::Error& error) {
    return broken(path, error, "no container can be started");
  }
  return {.evidence = path};
}

}  // namespace

const std::vector<HostCheck>& config_checks() {
  static const std::vector<HostCheck> checks{
      {"containers-conf", "containers.conf", containers_conf},
      {"storage-conf", "storage.conf", storage_conf},
      {"engine-conf", "engine.conf", engine_conf},
      {"registries-conf", "registries.conf", registries_conf},
      {"short-names", "short names", search_registries},
      {"policy", "policy.json", policy},
      {"auth-file", "auth.json", auth_file},
      {"cdi", "files of devices", cdi_files},
      {"seccomp-profile", "the seccomp profile", seccomp_profile},
  };
  return checks;
}

}  // namespace engine
