#include "cmd/options_run.hpp"

#include <fcntl.h>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "cmd/limit_words.hpp"

namespace cmd {
namespace {

constexpr std::size_t max_label_file_bytes = 1024 * 1024;

/// NAME=VALUE lines; blank ones and those that begin with '#' are skipped. Source: podman-run(1) --label-file.
std::vector<std::string> read_label_file(const std::string& path) {
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening label file ", base::quoted(path));
  const std::string text = base::with_context([&] { return base::read_to_end(fd.get(), max_label_file_bytes); },
                                              "reading label file ", base::quoted(path));
  std::vector<std::string> labels;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::string_view label = base::trim(line);
    if (!label.empty() && label.front() != '#') labels.emplace_back(label);
  }
  return labels;
}

void declare_container_options(OptionTable& table, RunWords& words) {
  engine::RunOptions& options = words.options;
  table.text("name", 0, "NAME", options.name, "Name of the container; made up when not given");
  table.flag("replace", 0, options.replace, "Remove a container that has the name already");
  table.flag("rm", 0, options.auto_remove, "Remove the container and its anonymous volumes when it ends");
  table
      .text("cidfile", 0, "FILE", options.cidfile,
            "Write the container's id to this new file, which is removed with the container")
      .offers(Completes::files);
  table
      .text("pidfile", 0, "FILE", options.pidfile,
            "Write the process id of the container's first process to this file at each start")
      .offers(Completes::files);
  table
      .text("conmon-pidfile", 0, "FILE", options.conmon_pidfile,
            "Write the process id of the container's monitor to this file at each start")
      .offers(Completes::files);
  table.comma_list("requires", 0, "CONTAINER", options.required, "Containers that are started before this one")
      .offers(Completes::containers);
  table.comma_list("attach", 'a', "STREAM", options.attach, "Attach only stdin, stdout or stderr (repeatable)");
  table.list("label", 'l', "NAME=VALUE", options.labels, "Put a label on the container");
  table.list("label-file", 0, "FILE", words.label_files, "Read labels from a file, one a line")
      .offers(Completes::files);
  table.list("annotation", 0, "NAME=VALUE", options.annotations, "Put an annotation into the runtime's configuration")
      .checked_by(check_assignment, "a name and a value: --annotation NAME=VALUE");
  table.text("stop-signal", 0, "SIGNAL", options.stop_signal, "Signal that stop sends");
  table.number("stop-timeout", 0, "SECONDS", &options.stop_timeout, "How long stop waits before it kills")
      .defaults_to("10");
  table.text("log-driver", 0, "DRIVER", options.log_driver,
             "Where output goes: k8s-file, json-file (the same), journald, none, passthrough");
  table.list("log-opt", 0, "NAME=VALUE", options.log_opts, "Option of the log driver: path, max-size, max-file, tag");
}

void declare_image_options(OptionTable& table, RunWords& words) {
  engine::RunOptions& options = words.options;
  options.pull.clear();  // as containers.conf says
  table.text("pull", 0, "POLICY", options.pull, "When to fetch the image")
      .choices("always|missing|never|newer")
      .defaults_to("missing");
  table.flag("quiet", 'q', options.quiet, "Show no progress while fetching the image");
  declare_platform_options(table, words.platform);
  declare_registry_options(table, options.tls_verify, options.auth_file, options.creds, options.cert_dir);
  table.text("retry", 0, "COUNT", options.retry, "How often a failed fetch of the image is tried again")
      .checked_by(check_unsigned, "a number")
      .defaults_to("3");
  table.text("retry-delay", 0, "DURATION", options.retry_delay, "How long to wait before that");
  table.flag("rootfs", 0, options.rootfs,
             "IMAGE is a folder that holds a root file system; with :O behind it nothing is written there, with :idmap "
             "its ids are the container's");
}

}  // namespace

void declare_run_options(OptionTable& table, RunWords& words) {
  declare_container_options(table, words);
  declare_image_options(table, words);
  declare_process_options(table, words.options);
  declare_more_process_options(table, words.options);
  declare_mount_options(table, words.options);
  declare_network_options(table, words.options);
  declare_isolation_options(table, words.options);
  declare_health_options(table, words.options);
  declare_cgroup_options(table, words.options);
  declare_later_options(table);
  table.set_words_mode(WordsMode::first_is_last);
  table.word("IMAGE", words.options.image, "Image name, id, or oci:, oci-archive:, docker-archive: and a path")
      .completes = Completes::images;
  table.words("ARG", words.options.arguments, 0, "Command of the container, instead of the image's");
}

const engine::RunOptions& settle_run_options(RunWords& words, const std::vector<std::string>& argv) {
  words.options.platform = joined_platform(words.platform);
  std::vector<std::string> labels;
  for (const std::string& path : words.label_files) {
    for (std::string& label : read_label_file(path)) labels.push_back(std::move(label));
  }
  // A label of the command line comes later and so wins.
  words.options.labels.insert(words.options.labels.begin(), labels.begin(), labels.end());
  words.options.command_line = argv;
  return words.options;
}

}  // namespace cmd
