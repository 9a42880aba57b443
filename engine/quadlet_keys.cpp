#include "engine/quadlet_keys.hpp"

#include <algorithm>
#include <iterator>

namespace engine {
namespace {

using enum KeyMeaning;

constexpr QuadletKey common_keys[] = {
    {"ContainersConfModule", global, "module"},
    {"GlobalArgs", global_words, ""},
    {"PodmanArgs", arguments, ""},
    {"ServiceName", special, ""},
};

constexpr QuadletKey container_keys[] = {
    {"AddCapability", words, "cap-add"},
    {"AddDevice", special, ""},
    {"AddHost", each, "add-host"},
    {"Annotation", assignments, "annotation"},
    {"AppArmor", last, "security-opt=apparmor="},
    {"AutoUpdate", last, "label=io.containers.autoupdate="},
    {"CgroupsMode", special, ""},
    {"ContainerName", special, ""},
    {"DNS", each, "dns"},
    {"DNSOption", each, "dns-option"},
    {"DNSSearch", each, "dns-search"},
    {"DropCapability", words, "cap-drop"},
    {"Entrypoint", last_or_set, "entrypoint"},
    {"Environment", assignments, "env"},
    {"EnvironmentFile", path, "env-file"},
    {"EnvironmentHost", boolean, "env-host"},
    {"Exec", special, ""},
    {"ExposeHostPort", each, "expose"},
    {"GIDMap", each, "gidmap"},
    {"Group", special, ""},
    {"GroupAdd", each, "group-add"},
    {"HealthCmd", last, "health-cmd"},
    {"HealthInterval", last, "health-interval"},
    {"HealthLogDestination", last, "health-log-destination"},
    {"HealthMaxLogCount", last, "health-max-log-count"},
    {"HealthMaxLogSize", last, "health-max-log-size"},
    {"HealthOnFailure", last, "health-on-failure"},
    {"HealthRetries", last, "health-retries"},
    {"HealthStartPeriod", last, "health-start-period"},
    {"HealthStartupCmd", last, "health-startup-cmd"},
    {"HealthStartupInterval", last, "health-startup-interval"},
    {"HealthStartupRetries", last, "health-startup-retries"},
    {"HealthStartupSuccess", last, "health-startup-success"},
    {"HealthStartupTimeout", last, "health-startup-timeout"},
    {"HealthTimeout", last, "health-timeout"},
    {"HostName", last, "hostname"},
    {"HttpProxy", boolean, "http-proxy"},
    {"IP", last, "ip"},
    {"IP6", last, "ip6"},
    {"Image", special, ""},
    {"ImageVolume", last, "image-volume"},
    {"Label", assignments, "label"},
    {"LogDriver", last, "log-driver"},
    {"LogOpt", each, "log-opt"},
    {"Mask", last, "security-opt=mask="},
    {"Memory", last, "memory"},
    {"Mount", special, ""},
    {"Network", special, ""},
    {"NetworkAlias", each, "network-alias"},
    {"NoNewPrivileges", if_true, "security-opt=no-new-privileges"},
    {"Notify", special, ""},
    {"PidsLimit", last, "pids-limit"},
    {"Pod", special, ""},
    {"PublishPort", each, "publish"},
    {"Pull", last, "pull"},
    {"ReadOnly", boolean, "read-only"},
    {"ReadOnlyTmpfs", boolean, "read-only-tmpfs"},
    {"ReloadCmd", special, ""},
    {"ReloadSignal", special, ""},
    {"Retry", last, "retry"},
    {"RetryDelay", last, "retry-delay"},
    {"Rootfs", special, ""},
    {"RunInit", boolean, "init"},
    {"SeccompProfile", last, "security-opt=seccomp="},
    {"Secret", each, "secret"},
    {"SecurityLabelDisable", if_true, "security-opt=label=disable"},
    {"SecurityLabelFileType", last, "security-opt=label=filetype:"},
    {"SecurityLabelLevel", last, "security-opt=label=level:"},
    {"SecurityLabelNested", if_true, "security-opt=label=nested"},
    {"SecurityLabelType", last, "security-opt=label=type:"},
    {"ShmSize", last, "shm-size"},
    {"StartWithPod", special, ""},
    {"StopSignal", last, "stop-signal"},
    {"StopTimeout", last, "stop-timeout"},
    {"SubGIDMap", last, "subgidname"},
    {"SubUIDMap", last, "subuidname"},
    {"Sysctl", words, "sysctl"},
    {"Timezone", last, "tz"},
    {"Tmpfs", each, "tmpfs"},
    {"UIDMap", each, "uidmap"},
    {"Ulimit", each, "ulimit"},
    {"Unmask", last, "security-opt=unmask="},
    {"User", special, ""},
    {"UserNS", last, "userns"},
    {"Volume", special, ""},
    {"WorkingDir", last, "workdir"},
};

constexpr QuadletKey pod_keys[] = {
    {"AddHost", each, "add-host"},
    {"DNS", each, "dns"},
    {"DNSOption", each, "dns-option"},
    {"DNSSearch", each, "dns-search"},
    {"ExitPolicy", special, ""},
    {"GIDMap", each, "gidmap"},
    {"HostName", last, "hostname"},
    {"IP", last, "ip"},
    {"IP6", last, "ip6"},
    {"Label", assignments, "label"},
    {"Network", special, ""},
    {"NetworkAlias", each, "network-alias"},
    {"PodName", special, ""},
    {"PublishPort", each, "publish"},
    {"ShmSize", last, "shm-size"},
    {"StopTimeout", special, ""},
    {"SubGIDMap", last, "subgidname"},
    {"SubUIDMap", last, "subuidname"},
    {"UIDMap", each, "uidmap"},
    {"UserNS", last, "userns"},
    {"Volume", special, ""},
};

constexpr QuadletKey volume_keys[] = {
    {"Copy", special, ""},  {"Device", special, ""}, {"Driver", last, "driver"},      {"GID", last, "gid"},
    {"Group", special, ""}, {"Image", special, ""},  {"Label", assignments, "label"}, {"Options", special, ""},
    {"Type", special, ""},  {"UID", last, "uid"},    {"User", special, ""},           {"VolumeName", special, ""},
};

constexpr QuadletKey network_keys[] = {
    {"DNS", each, "dns"},
    {"DisableDNS", boolean, "disable-dns"},
    {"Driver", last, "driver"},
    {"Gateway", each, "gateway"},
    {"IPAMDriver", last, "ipam-driver"},
    {"IPRange", each, "ip-range"},
    {"IPv6", boolean, "ipv6"},
    {"InterfaceName", last, "interface-name"},
    {"Internal", boolean, "internal"},
    {"Label", assignments, "label"},
    {"NetworkDeleteOnStop", special, ""},
    {"NetworkName", special, ""},
    {"Options", assignments, "opt"},
    {"Subnet", each, "subnet"},
};

constexpr QuadletKey image_keys[] = {
    {"AllTags", boolean, "all-tags"},
    {"Arch", last, "arch"},
    {"AuthFile", last, "authfile"},
    {"CertDir", last, "cert-dir"},
    {"Creds", last, "creds"},
    {"DecryptionKey", last, "decryption-key"},
    {"Image", special, ""},
    {"ImageTag", special, ""},
    {"OS", last, "os"},
    {"Policy", last, "policy"},
    {"Retry", last, "retry"},
    {"RetryDelay", last, "retry-delay"},
    {"TLSVerify", boolean, "tls-verify"},
    {"Variant", last, "variant"},
};

constexpr QuadletKey build_keys[] = {
    {"Annotation", assignments, "annotation"},
    {"Arch", last, "arch"},
    {"AuthFile", last, "authfile"},
    {"BuildArg", assignments, "build-arg"},
    {"DNS", each, "dns"},
    {"DNSOption", each, "dns-option"},
    {"DNSSearch", each, "dns-search"},
    {"Environment", assignments, "env"},
    {"File", special, ""},
    {"ForceRM", boolean, "force-rm"},
    {"GroupAdd", each, "group-add"},
    {"IgnoreFile", special, ""},
    {"ImageTag", each, "tag"},
    {"Label", assignments, "label"},
    {"Network", special, ""},
    {"Pull", last, "pull"},
    {"Retry", last, "retry"},
    {"RetryDelay", last, "retry-delay"},
    {"Secret", each, "secret"},
    {"SetWorkingDirectory", special, ""},
    {"TLSVerify", boolean, "tls-verify"},
    {"Target", last, "target"},
    {"Variant", last, "variant"},
    {"Volume", special, ""},
};

constexpr QuadletKey kube_keys[] = {
    {"AutoUpdate", special, ""},          {"ConfigMap", path, "configmap"},
    {"ExitCodePropagation", special, ""}, {"KubeDownForce", special, ""},
    {"LogDriver", last, "log-driver"},    {"Network", special, ""},
    {"PublishPort", each, "publish"},     {"SetWorkingDirectory", special, ""},
    {"UserNS", last, "userns"},           {"Yaml", special, ""},
};

constexpr QuadletFormat formats[] = {
    {QuadletKind::container, ".container", "Container", "", container_keys},
    {QuadletKind::volume, ".volume", "Volume", "-volume", volume_keys},
    {QuadletKind::network, ".network", "Network", "-network", network_keys},
    {QuadletKind::image, ".image", "Image", "-image", image_keys},
    {QuadletKind::build, ".build", "Build", "-build", build_keys},
    {QuadletKind::pod, ".pod", "Pod", "-pod", pod_keys},
    {QuadletKind::kube, ".kube", "Kube", "", kube_keys},
};

}  // namespace

std::span<const QuadletFormat> quadlet_formats() {
  return formats;
}

const QuadletFormat* quadlet_format_of(std::string_view file_name) {
  const auto* found = std::find_if(std::begin(formats), std::end(formats), [&](const QuadletFormat& format) {
    return file_name.size() > format.extension.size() && file_name.ends_with(format.extension);
  });
  return found == std::end(formats) ? nullptr : found;
}

const QuadletFormat& quadlet_format(QuadletKind kind) {
  return *std::find_if(std::begin(formats), std::end(formats),
                       [&](const QuadletFormat& format) { return format.kind == kind; });
}

const QuadletKey* find_quadlet_key(const QuadletFormat& format, std::string_view name) {
  for (const std::span<const QuadletKey> keys : {format.keys, std::span<const QuadletKey>{common_keys}})
    for (const QuadletKey& key : keys)
      if (key.name == name) return &key;
  return nullptr;
}

}  // namespace engine
