#include "engine/systemd_install.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/quadlet_files.hpp"
#include "engine/systemctl.hpp"
#include "engine/unit_texts.hpp"
#include "engine/unit_words.hpp"
#include "rootless/user_database.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::size_t max_unit_bytes = 1 << 20;
constexpr const char* start_words = "start --all --filter should-start-on-boot=true";

std::string filled_in(std::string_view text, const std::string& command) {
  constexpr std::string_view place = "@engine@";
  std::string out;
  for (std::size_t at; (at = text.find(place)) != std::string_view::npos; text.remove_prefix(at + place.size()))
    out += concat(text.substr(0, at), command);
  return out.append(text);
}

std::string unit_command(const std::vector<std::string>& global_words) {
  std::string command = quote_unit_word(escape_specifiers(path_of_own_program("engine")));
  for (const std::string& word : global_words) command += concat(' ', quote_unit_word(escape_specifiers(word)));
  return command;
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view plain = "-_./=:,@+";
  const auto is_plain = [&](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           plain.find(byte) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return word;
  std::string out = "'";
  for (const char byte : word) out += byte == '\'' ? std::string{"'\\''"} : std::string{byte};
  return out + '\'';
}

void require_systemd() {
  if (::access("/run/systemd/system", F_OK) == 0) return;
  throw make_error(ErrorKind::unsupported, "systemd does not run here")
      .with_hint(
          "engine systemd install --cron prints a line for crontab(1) that starts containers at boot; "
          "--reload-systemd=false writes the units all the same");
}

std::string manager_words() {
  return has_user_manager() ? "systemctl --user " : "systemctl ";
}

void tell_systemd(const std::vector<std::string>& words) {
  const auto result = systemctl(words);
  if (!result || result->code != 0)
    base::log(base::LogLevel::warn, manager_words(), base::join(words, " "),
              " failed: ", result ? result->error.substr(0, result->error.find('\n')) : "there is no systemctl");
}

void warn_without_linger() {
  if (!has_user_manager()) return;
  const auto user = rootless::look_up_user(::geteuid());
  const std::string name = user ? user->name : concat(::geteuid());
  if (::access(concat("/var/lib/systemd/linger/", name).c_str(), F_OK) == 0) return;
  base::log(base::LogLevel::warn, "containers start when ", name,
            " logs in, and end at the last logout, until you run: ", "loginctl enable-linger ", name);
}

/// The folder of one manager's units.
class UnitFolder {
 public:
  UnitFolder() : path_(systemd_unit_folder(has_user_manager())) {}

  const std::string& path() const { return path_; }
  const std::vector<std::string>& lines() const { return lines_; }
  bool has_changed() const { return changed_; }

  void write(const OwnUnit& unit) {
    const base::UniqueFd dir = base::make_directories(AT_FDCWD, path_, 0755);
    const bool is_there = base::try_read_file(dir.get(), unit.name, max_unit_bytes) == unit.text;
    if (!is_there) base::write_file_atomically(dir.get(), unit.name, unit.text, base::Durability::flushed, 0644);
    note(is_there, unit.name);
    if (unit.target.empty()) return;
    const std::string link = link_of(unit), to = concat("../", unit.name);
    base::make_directory(dir.get(), concat(unit.target, ".wants"), 0755);
    const bool is_linked = base::exists(dir.get(), link);
    if (!is_linked && ::symlinkat(to.c_str(), dir.get(), link.c_str()) != 0)
      throw base::os_error("linking ", base::quoted(link));
    note(is_linked, link);
  }

  void remove(const OwnUnit& unit) {
    for (const std::string& name : {unit.target.empty() ? std::string{} : link_of(unit), unit.name}) {
      if (name.empty() || ::unlink(concat(path_, '/', name).c_str()) != 0) {
        if (name.empty() || errno == ENOENT) continue;
        throw base::os_error("removing ", base::quoted(concat(path_, '/', name)));
      }
      changed_ = true;
      lines_.push_back(concat("removed ", path_, '/', name));
    }
  }

 private:
  static std::string link_of(const OwnUnit& unit) { return concat(unit.target, ".wants/", unit.name); }
  void note(bool kept, const std::string& name) {
    changed_ = changed_ || !kept;
    lines_.push_back(concat(kept ? "kept " : "wrote ", path_, '/', name));
  }

  std::string path_;
  std::vector<std::string> lines_;
  bool changed_ = false;
};

std::vector<std::string> plan_lines(const std::vector<OwnUnit>& units) {
  const std::string folder = systemd_unit_folder(has_user_manager());
  std::vector<std::string> lines;
  for (const OwnUnit& unit : units) lines.push_back(concat("# ", folder, '/', unit.name, '\n', unit.text));
  lines.push_back(concat(manager_words(), "daemon-reload"));
  for (const OwnUnit& unit : units)
    if (!unit.target.empty())
      lines.push_back(concat(manager_words(), "enable ", unit.at_once ? "--now " : "", unit.name));
  return lines;
}

std::vector<std::string> uninstall(const std::vector<OwnUnit>& units, const SystemdInstallOptions& options) {
  UnitFolder folder;
  if (options.dry_run) {
    std::vector<std::string> lines;
    for (const OwnUnit& unit : units) lines.push_back(concat(manager_words(), "disable ", unit.name));
    for (const OwnUnit& unit : units) lines.push_back(concat("rm -f ", folder.path(), '/', unit.name));
    return lines;
  }
  for (const OwnUnit& unit : units)
    if (options.reload && unit.at_once && ::access(concat(folder.path(), '/', unit.name).c_str(), F_OK) == 0)
      tell_systemd({"stop", unit.name});
  for (const OwnUnit& unit : units) folder.remove(unit);
  if (options.reload && folder.has_changed()) tell_systemd({"daemon-reload"});
  return folder.lines();
}

}  // namespace

std::vector<OwnUnit> own_units(const std::string& command) {
  return {{"engine-restart.service", filled_in(restart_service_text, command), "default.target", false},
          {"engine-auto-update.service", filled_in(auto_update_service_text, command), "", false},
          {"engine-auto-update.timer", filled_in(auto_update_timer_text, command), "timers.target", true}};
}

std::vector<std::string> systemd_install(const SystemdInstallOptions& options) {
  const std::vector<OwnUnit> units = own_units(unit_command(options.global_words));
  if (!options.dry_run && options.reload) require_systemd();
  if (options.uninstall) return uninstall(units, options);
  if (options.dry_run) return plan_lines(units);
  UnitFolder folder;
  for (const OwnUnit& unit : units) folder.write(unit);
  if (options.reload) {
    tell_systemd({"daemon-reload"});
    for (const OwnUnit& unit : units)
      if (unit.at_once) tell_systemd({"start", unit.name});
  }
  warn_without_linger();
  return folder.lines();
}

std::string reboot_line(const std::vector<std::string>& global_words) {
  std::string line = concat("@reboot ", shell_word(path_of_own_program("engine")));
  for (const std::string& word : global_words) line += concat(' ', shell_word(word));
  if (line.find('\n') != std::string::npos)
    throw make_error(ErrorKind::invalid_argument, "a line of crontab cannot name a folder with a line break");
  std::string escaped;  // an unescaped % is the end of a line to cron
  for (const char byte : concat(line, ' ', start_words))
    escaped += byte == '%' ? std::string{"\\%"} : std::string{byte};
  return escaped;
}

}  // namespace engine
