#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/systemd/store_words.hpp"
#include "engine/systemd_install.hpp"

namespace cmd {
namespace {

struct InstallWords {
  engine::SystemdInstallOptions options;
  bool cron = false;
};

int install(const Invocation& invocation, InstallWords& words) {
  words.options.global_words = store_words(invocation.globals);
  if (words.cron) {
    if (words.options.uninstall)
      throw base::make_error(base::ErrorKind::invalid_argument, "--cron and --uninstall cannot be set together")
          .with_hint("crontab -e");
    print_line(engine::reboot_line(words.options.global_words));
    return 0;
  }
  for (const std::string& line : engine::systemd_install(words.options)) print_line(line);
  return 0;
}

}  // namespace

Action declare_systemd_install(OptionTable& table) {
  const auto words = std::make_shared<InstallWords>();
  table.flag("cron", 0, words->cron, "Print a line for crontab(1) instead, for hosts without systemd");
  table.flag("dry-run", 0, words->options.dry_run, "Print files and commands, and change nothing");
  table.flag("reload-systemd", 0, words->options.reload, "Tell systemd of the units, and start the timer");
  table.flag("uninstall", 0, words->options.uninstall, "Take the units away again");
  return [words](Invocation& invocation) { return install(invocation, *words); };
}

Action declare_shutdown(OptionTable&) {
  return [](Invocation& invocation) { return engine::stop_until_boot(invocation.engine()); };
}

}  // namespace cmd
