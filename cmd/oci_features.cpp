#include "cmd/oci_features.hpp"

#include "base/json_writer.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "runtime/annotations.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/seccomp_names.hpp"

namespace cmd {
namespace {

using base::JsonWriter;
using Words = std::vector<std::string>;

// Each word is known to a parser of runtime/; a unit test holds them against each other.

void add_cgroup(JsonWriter& json) {
  json.key("cgroup").begin_object();
  for (const char* kind : {"v1", "v2", "systemd", "systemdUser", "rdma"}) json.member(kind, true);
  json.end_object();
}

void add_seccomp(JsonWriter& json) {
  const Words flags{"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
                    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
  json.key("seccomp").begin_object().member("enabled", true);
  json.member("actions",
              Words{"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                    "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"});
  json.member("operators", Words{"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                                 "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"});
  json.member("archs",
              Words{"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"});
  json.member("knownFlags", flags).member("supportedFlags", flags);
  json.end_object();
}

void add_memory_policy(JsonWriter& json) {
  json.key("memoryPolicy").begin_object();
  json.member("modes", Words{"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
                             "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"});
  json.member("flags", Words{"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"});
  json.end_object();
}

void add_switch(JsonWriter& json, std::string_view name, bool is_on) {
  json.key(name).begin_object().member("enabled", is_on).end_object();
}

void add_linux(JsonWriter& json) {
  json.key("linux").begin_object();
  json.member("namespaces", Words{"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"});
  json.member("capabilities", runtime::all_capability_names());
  add_cgroup(json);
  add_seccomp(json);
  add_switch(json, "apparmor", true);
  add_switch(json, "selinux", true);
  json.key("intelRdt").begin_object();
  for (const char* part : {"enabled", "schemata", "monitoring"}) json.member(part, true);
  json.end_object();
  add_memory_policy(json);
  json.key("mountExtensions").begin_object();
  add_switch(json, "idmap", true);
  json.end_object();
  add_switch(json, "netDevices", true);
  json.end_object();
}

}  // namespace

std::string features_json() {
  JsonWriter json{4};
  json.begin_object();
  json.member("ociVersionMin", "1.0.0").member("ociVersionMax", "1.3.0");
  json.member("hooks",
              Words{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"});
  json.member("mountOptions", runtime::mount_option_names());
  add_linux(json);
  json.key("annotations").begin_object();
  json.member("io.github.seccomp.libseccomp.version", runtime::syscall_table_version()).end_object();
  Words unsafe = runtime::known_annotations();
  unsafe.insert(unsafe.begin(), "org.systemd.property.");
  json.member("potentiallyUnsafeConfigAnnotations", unsafe);
  json.end_object();
  return json.take();
}

int oci_features(const OciGlobals&, const OciWords&) {
  print_line(features_json());
  return 0;
}

}  // namespace cmd
