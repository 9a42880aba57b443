#include "cmd/global_options.hpp"

#include <array>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cmd/version.hpp"

namespace cmd {
namespace {

using base::LogLevel;

constexpr std::array<std::pair<std::string_view, LogLevel>, 8> log_levels{{
    {"trace", LogLevel::debug},
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warn", LogLevel::warn},
    {"warning", LogLevel::warn},
    {"error", LogLevel::error},
    {"fatal", LogLevel::error},
    {"panic", LogLevel::error},
}};

}  // namespace

void declare_global_options(OptionTable& table, GlobalWords& words) {
  table.text("root", 0, "DIRECTORY", words.options.root, "Where images and containers are kept")
      .offers(Completes::directories);
  table.text("runroot", 0, "DIRECTORY", words.options.runroot, "Where the state of running containers is kept")
      .offers(Completes::directories);
  table
      .text("storage-driver", 0, "DRIVER", words.options.storage_driver,
            "How root file systems are put together; chosen by trying when not given")
      .choices("overlay|fuse-overlayfs|copy");
  table.list("storage-opt", 0, "OPTION", words.options.storage_options,
             "additionalimagestore=DIRECTORY: a store of images that is only read; other options are ignored");
  table
      .text("cgroup-manager", 0, "MANAGER", words.options.cgroup_manager,
            "Who makes the cgroups of containers: systemd, or we as folders; what the host has when not given")
      .choices("systemd|cgroupfs");
  table.text("imagestore", 0, "DIRECTORY", words.options.image_store, "Where images are kept, apart from containers")
      .offers(Completes::directories);
  table.text("log-level", 0, "LEVEL", words.options.log_level, "Which messages to show on standard error")
      .choices("trace|debug|info|warn|warning|error|fatal|panic");
  table.flag("debug", 'D', words.debug, "Show every message, as --log-level=debug");
  table.flag("version", 'v', words.version, "Print the version and exit");
  table.text("runtime", 0, "RUNTIME", words.options.runtime,
             "OCI runtime of new containers: builtin, a name such as crun, or a path");
  table.list("runtime-flag", 0, "FLAG", words.options.runtime_flags,
             "A global option for that runtime, without its --: debug, platform=ptrace");
  table
      .list("module", 0, "MODULE", words.options.modules,
            "One more containers.conf: a path, or a file of a folder containers.conf.modules")
      .offers(Completes::files);
  table
      .list("hooks-dir", 0, "DIRECTORY", words.options.hooks_dirs,
            "Files that say which programs run at which moments of a container's life")
      .offers(Completes::directories);
  table.list("cdi-spec-dir", 0, "DIRECTORY", words.options.cdi_spec_dirs, "Where files of CDI devices are")
      .offers(Completes::directories);
  table
      .text("events-backend", 0, "BACKEND", words.options.events_backend,
            "Whether events are kept: in a file, which journald means, too, or not")
      .choices("file|journald|none");
  table.text("config", 0, "DIRECTORY", words.options.login_dir, "Whose config.json holds the logins of registries")
      .offers(Completes::directories);
  table.flag("transient-store", 0, words.options.is_transient,
             "Keep containers in the run folder, so that none is left after a reboot");
  table.text("build", 0, "ID", words.build, "Build of the calling executable").hide();
  constexpr auto text = OptionKind::text;
  for (const std::string_view harmless : {"conmon", "tmpdir", "network-cmd-path"}) {
    table.known(harmless, 0, text, Treatment::ignored);
  }
  table.known("syslog", 0, OptionKind::flag, Treatment::ignored);
  for (const std::string_view later :
       {"connection", "url", "identity", "ssh", "network-config-dir", "out", "volumepath"}) {
    table.known(later, 0, text, Treatment::refused);
  }
  table.known("remote", 0, OptionKind::flag, Treatment::refused);
  table.known("noout", 0, OptionKind::flag, Treatment::refused);
}

void settle_global_options(GlobalWords& words) {
  words.options.build = build_id();
  if (words.debug) words.options.log_level = "debug";
  for (const auto& [name, level] : log_levels) {
    if (name == words.options.log_level) base::set_log_level(level);
  }
  if (!words.build.empty() && words.build != build_id()) {
    throw base::make_error(base::ErrorKind::unsupported, "an engine of build ", words.build, " called one of build ",
                           build_id())
        .with_hint("an upgrade is under way, or engine and engine-transfer were installed from different builds");
  }
}

}  // namespace cmd
