#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_verbs.hpp"
#include "cmd/output.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/spec.hpp"

namespace cmd {

int oci_spec(const OciGlobals&, const OciWords& words) {
  if (!words.words.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "spec takes no words, ",
                           base::quoted(words.words.front()), " was given");
  const base::UniqueFd bundle = base::open_directory(AT_FDCWD, words.value_or("bundle", "."));
  const std::string text = runtime::write_spec_indented(runtime::example_spec(words.has("rootless"))) + "\n";
  if (!base::create_file_exclusively(bundle.get(), "config.json", text, base::Durability::volatile_, 0666))
    throw base::make_error(base::ErrorKind::already_exists, "\"config.json\" exists already")
        .with_hint("remove it first");
  return 0;
}

/// features.md, the parts that hold here.
int oci_features(const OciGlobals&, const OciWords&) {
  base::JsonWriter json{4};
  json.begin_object();
  json.member("ociVersionMin", "1.0.0").member("ociVersionMax", "1.0.2");
  json.member("mountOptions", runtime::mount_option_names());
  json.key("linux").begin_object();
  json.member("namespaces", std::vector<std::string>{"cgroup", "ipc", "mount", "network", "pid", "user", "uts"});
  json.member("capabilities", runtime::all_capability_names());
  json.key("cgroup").begin_object();
  for (const char* kind : {"v1", "v2", "systemd", "systemdUser"}) json.member(kind, false);
  json.end_object();
  json.key("seccomp").begin_object().member("enabled", true).end_object();
  json.end_object();
  json.end_object();
  print_line(json.text());
  return 0;
}

}  // namespace cmd
