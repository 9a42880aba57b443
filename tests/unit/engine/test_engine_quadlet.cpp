#include <doctest/doctest.h>
#include <set>

#include "base/text.hpp"
#include "engine/quadlet_files.hpp"
#include "engine/unit_words.hpp"

using engine::QuadletService;
using engine::QuadletUnit;
using engine::QuadletUnits;
using engine::UnitFile;

namespace {

void add(QuadletUnits& units, const std::string& name, const std::string& text) {
  const std::string path = "/q/" + name;
  units[name] = QuadletUnit{engine::quadlet_format_of(name), name, path, UnitFile::parse(text, path)};
}

/// Files that others may name.
QuadletUnits others() {
  QuadletUnits units;
  add(units, "data.volume", "[Volume]\n");
  add(units, "named.volume", "[Volume]\nVolumeName=mine\n");
  add(units, "net.network", "[Network]\n");
  add(units, "base.image", "[Image]\nImage=quay.io/base:1\n");
  add(units, "made.build", "[Build]\nImageTag=localhost/made\nFile=/q/Containerfile\n");
  add(units, "group.pod", "[Pod]\n");
  add(units, "peer.container", "[Container]\nImage=x\n");
  return units;
}

QuadletService make(const std::string& name, const std::string& text, bool is_user = false) {
  QuadletUnits units = others();
  add(units, name, text);
  return engine::make_service(
      units.at(name), units, {"/usr/bin/engine", is_user, [](const std::string& path) { return path == "/dev/null"; }});
}

std::string message_of(const std::string& name, const std::string& text) {
  try {
    make(name, text);
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

std::string all_of(const QuadletService& service, std::string_view section, std::string_view key) {
  std::string out;
  for (const engine::UnitLine* line : service.file.all(section, key)) out += line->value + "\n";
  return out;
}

struct Row {
  const char* file;
  const char* key;
  const char* value;
  const char* expected;  ///< Part of the service's text; "!x": x is not there.
};

// What a kind of file needs anyway.
const std::pair<const char*, const char*> needs[] = {{"t.container", "[Container]\nImage=img\n"},
                                                     {"t.volume", "[Volume]\n"},
                                                     {"t.network", "[Network]\n"},
                                                     {"t.image", "[Image]\nImage=img\n"},
                                                     {"t.build", "[Build]\nImageTag=tag\nFile=/C\n"},
                                                     {"t.pod", "[Pod]\n"},
                                                     {"t.kube", "[Kube]\nYaml=a.yaml\n"}};

const Row container_rows[] = {
    {"t.container", "AddCapability", "CAP_A CAP_B", " --cap-add=CAP_A --cap-add=CAP_B "},
    {"t.container", "AddDevice", "/dev/x:/dev/y:r", " --device=/dev/x:/dev/y:r "},
    {"t.container", "AddDevice", "-/dev/null", " --device=/dev/null "},
    {"t.container", "AddDevice", "-/dev/absent", "!--device"},
    {"t.container", "AddHost", "a:1.2.3.4", " --add-host=a:1.2.3.4 "},
    {"t.container", "Annotation", "a=1 b=2 a=3", " --annotation=a=3 --annotation=b=2 "},
    {"t.container", "AppArmor", "unconfined", " --security-opt=apparmor=unconfined "},
    {"t.container", "AutoUpdate", "registry", " --label=io.containers.autoupdate=registry "},
    {"t.container", "CgroupsMode", "no-conmon", " --cgroups=no-conmon "},
    {"t.container", "ContainerName", "web", " run --name web --replace "},
    {"t.container", "ContainersConfModule", "/m.conf", "engine --module=/m.conf run "},
    {"t.container", "DNS", "1.1.1.1", " --dns=1.1.1.1 "},
    {"t.container", "DNSOption", "ndots:1", " --dns-option=ndots:1 "},
    {"t.container", "DNSSearch", "x.org", " --dns-search=x.org "},
    {"t.container", "DropCapability", "all", " --cap-drop=all "},
    {"t.container", "Entrypoint", "", " --entrypoint= "},
    {"t.container", "Entrypoint", "[\"/a\",\"b\"]", " \"--entrypoint=[\\\"/a\\\",\\\"b\\\"]\" "},
    {"t.container", "Environment", "A=1 \"B=x y\" A=%n", " --env=A=%n \"--env=B=x y\" "},
    {"t.container", "EnvironmentFile", "env/file", " --env-file=/q/env/file "},
    {"t.container", "EnvironmentFile", "%h/file", " --env-file=%h/file "},
    {"t.container", "EnvironmentHost", "yes", " --env-host "},
    {"t.container", "Exec", "sh -c 'echo \"$X\" %i; true'", " img sh -c \"echo \\\"$X\\\" %i; true\"\n"},
    {"t.container", "ExposeHostPort", "50-59", " --expose=50-59 "},
    {"t.container", "GIDMap", "0:1:2", " --gidmap=0:1:2 "},
    {"t.container", "GlobalArgs", "--log-level=debug --x", "engine --log-level=debug --x run "},
    {"t.container", "Group", "5\nUser=4", " --user=4:5 "},
    {"t.container", "GroupAdd", "keep-groups", " --group-add=keep-groups "},
    {"t.container", "HealthCmd", "test -e /x", " \"--health-cmd=test -e /x\" "},
    {"t.container", "HealthInterval", "2m", " --health-interval=2m "},
    {"t.container", "HealthLogDestination", "local", " --health-log-destination=local "},
    {"t.container", "HealthMaxLogCount", "5", " --health-max-log-count=5 "},
    {"t.container", "HealthMaxLogSize", "500", " --health-max-log-size=500 "},
    {"t.container", "HealthOnFailure", "kill", " --health-on-failure=kill "},
    {"t.container", "HealthRetries", "5", " --health-retries=5 "},
    {"t.container", "HealthStartPeriod", "1m", " --health-start-period=1m "},
    {"t.container", "HealthStartupCmd", "true", " --health-startup-cmd=true "},
    {"t.container", "HealthStartupInterval", "1m", " --health-startup-interval=1m "},
    {"t.container", "HealthStartupRetries", "8", " --health-startup-retries=8 "},
    {"t.container", "HealthStartupSuccess", "2", " --health-startup-success=2 "},
    {"t.container", "HealthStartupTimeout", "1m", " --health-startup-timeout=1m "},
    {"t.container", "HealthTimeout", "20s", " --health-timeout=20s "},
    {"t.container", "HostName", "h.org", " --hostname=h.org "},
    {"t.container", "HttpProxy", "false", " --http-proxy=false "},
    {"t.container", "IP", "10.0.0.1", " --ip=10.0.0.1 "},
    {"t.container", "IP6", "fd::1", " --ip6=fd::1 "},
    {"t.container", "Image", "base.image", " quay.io/base:1\n"},
    {"t.container", "Image", "base.image", "\nRequires=base-image.service\nAfter=base-image.service\n"},
    {"t.container", "Image", "made.build", " localhost/made\n"},
    {"t.container", "ImageVolume", "tmpfs", " --image-volume=tmpfs "},
    {"t.container", "Label", "a=b \"c=d e\"", " --label=a=b \"--label=c=d e\" "},
    {"t.container", "LogDriver", "none", " --log-driver=none "},
    {"t.container", "LogOpt", "max-size=1m", " --log-opt=max-size=1m "},
    {"t.container", "Mask", "/a:/b", " --security-opt=mask=/a:/b "},
    {"t.container", "Memory", "20g", " --memory=20g "},
    {"t.container", "Mount", "type=bind,source=./a,destination=/b", " --mount=type=bind,source=/q/a,destination=/b "},
    {"t.container", "Mount", "type=volume,source=data.volume,dst=/b",
     " --mount=type=volume,source=systemd-data,dst=/b "},
    {"t.container", "Mount", "type=image,src=base.image,dst=/b", " --mount=type=image,src=quay.io/base:1,dst=/b "},
    {"t.container", "Network", "host", " --network=host "},
    {"t.container", "Network", "net.network:ip=10.0.0.9", " --network=systemd-net:ip=10.0.0.9 "},
    {"t.container", "Network", "net.network", "\nRequires=net-network.service\n"},
    {"t.container", "Network", "peer.container", " --network=container:systemd-peer "},
    {"t.container", "NetworkAlias", "web", " --network-alias=web "},
    {"t.container", "NoNewPrivileges", "true", " --security-opt=no-new-privileges "},
    {"t.container", "NoNewPrivileges", "false", "!no-new-privileges "},
    {"t.container", "Notify", "yes", " --sdnotify=container "},
    {"t.container", "Notify", "healthy", " --sdnotify=healthy "},
    {"t.container", "PidsLimit", "100", " --pids-limit=100 "},
    {"t.container", "Pod", "group.pod", " --pod=systemd-group "},
    {"t.container", "Pod", "group.pod", "\nBindsTo=group-pod.service\nAfter=group-pod.service\n"},
    {"t.container", "PodmanArgs", "--a \"--b=c d\"", " --a \"--b=c d\" img\n"},
    {"t.container", "PublishPort", "8080:80", " --publish=8080:80 "},
    {"t.container", "Pull", "never", " --pull=never "},
    {"t.container", "ReadOnly", "true", " --read-only "},
    {"t.container", "ReadOnlyTmpfs", "no", " --read-only-tmpfs=false "},
    {"t.container", "ReloadCmd", "kill -HUP 1", "\nExecReload=/usr/bin/engine exec systemd-%N kill -HUP 1\n"},
    {"t.container", "ReloadSignal", "HUP", "\nExecReload=/usr/bin/engine kill --signal HUP systemd-%N\n"},
    {"t.container", "Retry", "5", " --retry=5 "},
    {"t.container", "RetryDelay", "5s", " --retry-delay=5s "},
    {"t.container", "Rootfs", "/r\nImage=", " --rootfs /r\n"},
    {"t.container", "RunInit", "true", " --init "},
    {"t.container", "SeccompProfile", "/s.json", " --security-opt=seccomp=/s.json "},
    {"t.container", "Secret", "s,type=env", " --secret=s,type=env "},
    {"t.container", "SecurityLabelDisable", "true", " --security-opt=label=disable "},
    {"t.container", "SecurityLabelFileType", "usr_t", " --security-opt=label=filetype:usr_t "},
    {"t.container", "SecurityLabelLevel", "s0:c1,c2", " --security-opt=label=level:s0:c1,c2 "},
    {"t.container", "SecurityLabelNested", "true", " --security-opt=label=nested "},
    {"t.container", "SecurityLabelType", "spc_t", " --security-opt=label=type:spc_t "},
    {"t.container", "ServiceName", "other", "SourcePath=/q/t.container"},
    {"t.container", "ShmSize", "100m", " --shm-size=100m "},
    {"t.container", "StartWithPod", "no", " run "},
    {"t.container", "StopSignal", "SIGINT", " --stop-signal=SIGINT "},
    {"t.container", "StopTimeout", "20", " --stop-timeout=20 "},
    {"t.container", "SubGIDMap", "g", " --subgidname=g "},
    {"t.container", "SubUIDMap", "u", " --subuidname=u "},
    {"t.container", "Sysctl", "a=1 b=2", " --sysctl=a=1 --sysctl=b=2 "},
    {"t.container", "Timezone", "local", " --tz=local "},
    {"t.container", "Tmpfs", "/work", " --tmpfs=/work "},
    {"t.container", "UIDMap", "0:1:2", " --uidmap=0:1:2 "},
    {"t.container", "Ulimit", "nofile=1:2", " --ulimit=nofile=1:2 "},
    {"t.container", "Unmask", "ALL", " --security-opt=unmask=ALL "},
    {"t.container", "User", "bin", " --user=bin "},
    {"t.container", "UserNS", "keep-id:uid=2", " --userns=keep-id:uid=2 "},
    {"t.container", "Volume", "/a:/b:ro", " --volume=/a:/b:ro "},
    {"t.container", "Volume", "/a:/b:ro", "\nRequiresMountsFor=/a\n"},
    {"t.container", "Volume", "./a:/b", " --volume=/q/a:/b "},
    {"t.container", "Volume", "named.volume:/b", " --volume=mine:/b "},
    {"t.container", "Volume", "data.volume:/b:z", "\nRequires=data-volume.service\n"},
    {"t.container", "Volume", "/only", " --volume=/only "},
    {"t.container", "WorkingDir", "/w", " --workdir=/w "},
};

const Row other_rows[] = {
    {"t.volume", "Copy", "true", " --opt=copy "},
    {"t.volume", "Copy", "no", " --opt=nocopy "},
    {"t.volume", "Device", "tmpfs", " --opt=device=tmpfs "},
    {"t.volume", "Driver", "local", " --driver=local "},
    {"t.volume", "GID", "5", " --gid=5 "},
    {"t.volume", "Group", "192", " --opt=o=gid=192 "},
    {"t.volume", "Image", "base.image\nDriver=image", " --driver=image --opt=image=quay.io/base:1 systemd-t\n"},
    {"t.volume", "Label", "a=b", " --label=a=b "},
    {"t.volume", "Options", "ro\nDevice=/d\nUser=7", " --opt=device=/d --opt=o=uid=7,ro "},
    {"t.volume", "Type", "tmpfs", " --opt=type=tmpfs "},
    {"t.volume", "UID", "5", " --uid=5 "},
    {"t.volume", "User", "123", " --opt=o=uid=123 "},
    {"t.volume", "VolumeName", "v", "volume create --ignore v\n"},
    {"t.network", "DNS", "1.1.1.1", " --dns=1.1.1.1 "},
    {"t.network", "DisableDNS", "true", " --disable-dns "},
    {"t.network", "Driver", "bridge", " --driver=bridge "},
    {"t.network", "Gateway", "10.0.0.1", " --gateway=10.0.0.1 "},
    {"t.network", "IPAMDriver", "dhcp", " --ipam-driver=dhcp "},
    {"t.network", "IPRange", "10.0.0.0/25", " --ip-range=10.0.0.0/25 "},
    {"t.network", "IPv6", "true", " --ipv6 "},
    {"t.network", "InterfaceName", "enp1", " --interface-name=enp1 "},
    {"t.network", "Internal", "true", " --internal "},
    {"t.network", "Label", "a=b", " --label=a=b "},
    {"t.network", "NetworkDeleteOnStop", "true", "\nExecStopPost=/usr/bin/engine network rm systemd-t\n"},
    {"t.network", "NetworkName", "n", "network create --ignore n\n"},
    {"t.network", "Options", "isolate=true", " --opt=isolate=true "},
    {"t.network", "Subnet", "10.0.0.0/16", " --subnet=10.0.0.0/16 "},
    {"t.image", "AllTags", "true", " --all-tags "},
    {"t.image", "Arch", "arm64", " --arch=arm64 "},
    {"t.image", "AuthFile", "/a.json", " --authfile=/a.json "},
    {"t.image", "CertDir", "/c", " --cert-dir=/c "},
    {"t.image", "Creds", "u:p", " --creds=u:p "},
    {"t.image", "DecryptionKey", "/k", " --decryption-key=/k "},
    {"t.image", "Image", "quay.io/x", "image pull quay.io/x\n"},
    {"t.image", "ImageTag", "local/x", "image pull img\n"},
    {"t.image", "OS", "linux", " --os=linux "},
    {"t.image", "Policy", "always", " --policy=always "},
    {"t.image", "Retry", "5", " --retry=5 "},
    {"t.image", "RetryDelay", "5s", " --retry-delay=5s "},
    {"t.image", "TLSVerify", "false", " --tls-verify=false "},
    {"t.image", "Variant", "v7", " --variant=v7 "},
    {"t.build", "Annotation", "a=b", " --annotation=a=b "},
    {"t.build", "Arch", "arm64", " --arch=arm64 "},
    {"t.build", "AuthFile", "/a", " --authfile=/a "},
    {"t.build", "BuildArg", "a=b", " --build-arg=a=b "},
    {"t.build", "DNS", "1.1.1.1", " --dns=1.1.1.1 "},
    {"t.build", "DNSOption", "x", " --dns-option=x "},
    {"t.build", "DNSSearch", "x", " --dns-search=x "},
    {"t.build", "Environment", "a=b", " --env=a=b "},
    {"t.build", "File", "/q/F", " --file=/q/F\n"},
    {"t.build", "ForceRM", "false", " --force-rm=false "},
    {"t.build", "GroupAdd", "g", " --group-add=g "},
    {"t.build", "IgnoreFile", "/i", " --ignorefile=/i\n"},
    {"t.build", "ImageTag", "two", " --tag=tag --tag=two "},
    {"t.build", "Label", "a=b", " --label=a=b "},
    {"t.build", "Network", "net.network", " --network=systemd-net "},
    {"t.build", "Pull", "never", " --pull=never "},
    {"t.build", "Retry", "5", " --retry=5 "},
    {"t.build", "RetryDelay", "5s", " --retry-delay=5s "},
    {"t.build", "Secret", "id=a,src=b", " --secret=id=a,src=b "},
    {"t.build", "SetWorkingDirectory", "unit", "\nWorkingDirectory=/q\n"},
    {"t.build", "SetWorkingDirectory", "file\nFile=sub/F", "\nWorkingDirectory=/q/sub\n"},
    {"t.build", "SetWorkingDirectory", "https://x/y", " --file=/C https://x/y\n"},
    {"t.build", "TLSVerify", "false", " --tls-verify=false "},
    {"t.build", "Target", "t", " --target=t "},
    {"t.build", "Variant", "v7", " --variant=v7 "},
    {"t.build", "Volume", "data.volume:/b", " --volume=systemd-data:/b "},
    {"t.pod", "AddHost", "a:1.2.3.4", " --add-host=a:1.2.3.4 "},
    {"t.pod", "DNS", "1.1.1.1", " --dns=1.1.1.1 "},
    {"t.pod", "DNSOption", "x", " --dns-option=x "},
    {"t.pod", "DNSSearch", "x", " --dns-search=x "},
    {"t.pod", "ExitPolicy", "continue", " --exit-policy=continue "},
    {"t.pod", "GIDMap", "0:1:2", " --gidmap=0:1:2 "},
    {"t.pod", "HostName", "h", " --hostname=h "},
    {"t.pod", "IP", "10.0.0.1", " --ip=10.0.0.1 "},
    {"t.pod", "IP6", "fd::1", " --ip6=fd::1 "},
    {"t.pod", "Label", "a=b", " --label=a=b "},
    {"t.pod", "Network", "net.network", " --network=systemd-net "},
    {"t.pod", "NetworkAlias", "a", " --network-alias=a "},
    {"t.pod", "PodName", "p", " --name=p\n"},
    {"t.pod", "PublishPort", "80:80", " --publish=80:80 "},
    {"t.pod", "ShmSize", "1m", " --shm-size=1m "},
    {"t.pod", "StopTimeout", "3", " pod stop --ignore --time=3 systemd-t\n"},
    {"t.pod", "SubGIDMap", "g", " --subgidname=g "},
    {"t.pod", "SubUIDMap", "u", " --subuidname=u "},
    {"t.pod", "UIDMap", "0:1:2", " --uidmap=0:1:2 "},
    {"t.pod", "UserNS", "host", " --userns=host "},
    {"t.pod", "Volume", "./a:/b", " --volume=/q/a:/b "},
    {"t.kube", "AutoUpdate", "registry", " --annotation=io.containers.autoupdate=registry "},
    {"t.kube", "AutoUpdate", "web/local", " --annotation=io.containers.autoupdate/web=local "},
    {"t.kube", "ConfigMap", "c.yaml", " --configmap=/q/c.yaml "},
    {"t.kube", "ExitCodePropagation", "any", " --service-exit-code-propagation=any "},
    {"t.kube", "KubeDownForce", "true", " kube down --force /q/a.yaml\n"},
    {"t.kube", "LogDriver", "none", " --log-driver=none "},
    {"t.kube", "Network", "net.network", " --network=systemd-net "},
    {"t.kube", "PublishPort", "80:80", " --publish=80:80 "},
    {"t.kube", "SetWorkingDirectory", "yaml", "\nWorkingDirectory=/q\n"},
    {"t.kube", "UserNS", "host", " --userns=host "},
    {"t.kube", "Yaml", "/b.yaml", " /q/a.yaml /b.yaml\n"},
};

std::string need_of(const std::string& file) {
  for (const auto& [name, text] : needs)
    if (file == name) return text;
  return "";
}

template <class Rows>
void check_rows(const Rows& rows, std::set<std::string>& seen) {
  for (const Row& row : rows) {
    CAPTURE(row.file);
    CAPTURE(row.key);
    CAPTURE(row.value);
    const std::string assignment = base::concat(row.key, '=', row.value, '\n');
    const std::string text = make(row.file, need_of(row.file) + assignment).file.text();
    CAPTURE(text);
    if (row.expected[0] == '!')
      CHECK(text.find(row.expected + 1) == std::string::npos);
    else
      CHECK(text.find(row.expected) != std::string::npos);
    seen.insert(base::concat(row.file + 1, ' ', row.key));
  }
}

}  // namespace

TEST_CASE("every key means its option") {
  std::set<std::string> seen;
  check_rows(container_rows, seen);
  check_rows(other_rows, seen);
  for (const engine::QuadletFormat& format : engine::quadlet_formats())
    for (const engine::QuadletKey& key : format.keys) {
      CAPTURE(format.extension);
      CAPTURE(key.name);
      CHECK(seen.count(base::concat(format.extension, ' ', key.name)) == 1);
    }
}

TEST_CASE("a container becomes a service that notifies") {
  const QuadletService service =
      make("web.container", "[Unit]\nDescription=x\n[Container]\nImage=img\n[Install]\nWantedBy=a.target b.target\n");
  CHECK(service.name == "web.service");
  CHECK(service.file.last("Service", "ExecStart") ==
        "/usr/bin/engine run --name systemd-%N --replace --rm --cgroups=split --sdnotify=conmon -d img");
  CHECK(service.file.last("Service", "ExecStop") == "/usr/bin/engine stop -i systemd-%N");
  CHECK(service.file.last("Service", "ExecStopPost") == "-/usr/bin/engine rm -v -f -i systemd-%N");
  CHECK(service.file.last("Service", "Type") == "notify");
  CHECK(service.file.last("Service", "NotifyAccess") == "all");
  CHECK(service.file.last("Service", "Delegate") == "yes");
  CHECK(service.file.last("Service", "KillMode") == "mixed");
  CHECK(service.file.last("Service", "Environment") == "PODMAN_SYSTEMD_UNIT=%n");
  CHECK(service.file.last("Unit", "Wants") == "network-online.target");
  CHECK(service.file.last("X-Container", "Image") == "img");
  CHECK(service.file.find("Container") == nullptr);
  REQUIRE(service.links.size() == 2);
  CHECK(service.links[0] == std::pair<std::string, std::string>{"a.target.wants/web.service", "../web.service"});
}

TEST_CASE("what the user says of the service stands") {
  const QuadletService service = make(
      "job.container",
      "[Container]\nImage=img\n[Service]\nType=oneshot\nKillMode=control-group\n[Quadlet]\nDefaultDependencies=no\n");
  CHECK(service.file.last("Service", "ExecStart") ==
        "/usr/bin/engine run --name systemd-%N --replace --rm --cgroups=split img");
  CHECK(service.file.last("Service", "KillMode") == "control-group");
  CHECK_FALSE(service.file.last("Service", "NotifyAccess"));
  CHECK_FALSE(service.file.last("Unit", "Wants"));
}

TEST_CASE("templates and instances have names of their own") {
  const QuadletService of_template =
      make("job@.container",
           "[Container]\nImage=img\nExec=%i\n[Install]\nWantedBy=x.target\nDefaultInstance=7\nAlias=y.service\n");
  CHECK(of_template.name == "job@.service");
  CHECK(of_template.file.last("Service", "ExecStart")->find("--name systemd-%p_%i ") != std::string::npos);
  REQUIRE(of_template.links.size() == 2);
  CHECK(of_template.links[1] == std::pair<std::string, std::string>{"x.target.wants/job@7.service", "../job@.service"});
  QuadletUnits units;
  add(units, "data@.volume", "[Volume]\n");
  add(units, "job@one.container", "[Container]\nImage=img\nVolume=data@.volume:/d\n");
  CHECK(units.at("data@.volume").service_name() == "data-volume@");
  CHECK(units.at("data@.volume").resource_name() == "systemd-data-%i");
  const auto made = engine::make_service(units.at("job@one.container"), units, {"/e", true, {}});
  CHECK(made.name == "job@one.service");
  CHECK(made.file.last("Service", "ExecStart")->find("--volume=systemd-data-%i:/d ") != std::string::npos);
  CHECK(all_of(made, "Unit", "After").find("engine-user-wait-network-online.service\n") == 0);
}

TEST_CASE("dependencies between files become dependencies between services") {
  const QuadletService service =
      make("a.container", "[Unit]\nAfter=peer.container x.service group.pod\n[Container]\nImage=img\n");
  CHECK(all_of(service, "Unit", "After").find("peer.service x.service group-pod.service\n") != std::string::npos);
}

TEST_CASE("a pod starts its members") {
  QuadletUnits units;
  add(units, "p.pod", "[Pod]\n");
  add(units, "a.container", "[Container]\nImage=i\nPod=p.pod\n");
  add(units, "b.container", "[Container]\nImage=i\nPod=p.pod\nStartWithPod=no\n");
  const auto made = engine::make_service(units.at("p.pod"), units, {"/e", false, {}});
  CHECK(all_of(made, "Unit", "Before") == "a.service\n");
  CHECK(made.file.last("Service", "Type") == "forking");
}

TEST_CASE("what is wrong is told with its place") {
  const std::string image = "[Container]\nImage=i\n";
  const std::pair<std::string, const char*> rows[] = {
      {"[Container]\nExec=x\n", "/q/t.container: [Container] needs Image= or Rootfs="},
      {"[Unit]\n", "/q/t.container: has no section [Container]"},
      {image + "Foo=1\nBar=2\n",
       "/q/t.container:3: unsupported key \"Foo\" in [Container]\n/q/t.container:4: unsupported key \"Bar\""},
      {image + "Rootfs=/x\n", "exclude each other"},
      {image + "ReadOnly=maybe\n", "/q/t.container:3: ReadOnly= is yes or no, not \"maybe\""},
      {image + "Group=3\n", "/q/t.container:3: Group= needs User="},
      {image + "Volume=no.volume:/x\n", "/q/t.container:3: Volume=: there is no file \"no.volume\""},
      {image + "Pod=x\n", "/q/t.container:3: Pod= is a file"},
      {image + "Exec=a \"b\n", "/q/t.container:3: Exec=: a quote without its end"},
      {image + "Exec=a\\qb\n", "/q/t.container:3: Exec=: unknown escape \"\\\\q\""},
      {image + "ReloadCmd=a\nReloadSignal=HUP\n", "exclude each other"},
      {image + "[Service]\nType=forking\n", "/q/t.container:4: Type= is notify or oneshot"},
      {image + "[Service]\nKillMode=process\n", "/q/t.container:4: KillMode= is mixed or control-group"},
      {image + "[Unit]\nAfter=no.container\n", "/q/t.container:4: After=: there is no file \"no.container\""},
      {image + "[Quadlet]\nX=1\n", "unsupported key \"X\" in [Quadlet]"},
  };
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    const std::string told = message_of("t.container", text);
    CAPTURE(told);
    CHECK(told.find(message) != std::string::npos);
  }
  CHECK(message_of("t.kube", "[Kube]\n") == "/q/t.kube: [Kube] needs Yaml=");
  CHECK(message_of("t.image", "[Image]\n") == "/q/t.image: [Image] needs Image=");
  CHECK(message_of("t.build", "[Build]\n") == "/q/t.build: [Build] needs ImageTag=");
  CHECK(message_of("t.volume", "[Volume]\nOptions=ro\n") == "/q/t.volume:2: Options= needs Device=");
}

TEST_CASE("drop-in folders go from the general to the special") {
  QuadletUnits units;
  add(units, "a-b-c@i.container", "[Container]\n");
  CHECK(engine::drop_in_folders(units.begin()->second) ==
        std::vector<std::string>{"container.d", "a-.container.d", "a-b-.container.d", "a-b-c@.container.d",
                                 "a-b-c@i.container.d"});
}
