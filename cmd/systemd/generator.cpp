#include "cmd/systemd/generator.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cmd/output.hpp"
#include "cmd/version.hpp"
#include "engine/quadlet_files.hpp"

namespace cmd {
namespace {

using base::concat;

struct GeneratorWords {
  bool user = false, dry_run = false, verbose = false, no_kernel_log = false, version = false;
  std::vector<std::string> folders;
};

/// As Go's package flag has them, which podman's generator uses: one dash or two.
GeneratorWords parse_words(const std::vector<std::string>& argv) {
  GeneratorWords words;
  words.user = argv.front().find("user-generator") != std::string::npos;
  const std::pair<std::string_view, bool*> flags[] = {{"user", &words.user},
                                                      {"dryrun", &words.dry_run},
                                                      {"v", &words.verbose},
                                                      {"no-kmsg-log", &words.no_kernel_log},
                                                      {"version", &words.version}};
  for (std::size_t at = 1; at < argv.size(); ++at) {
    std::string_view word = argv[at];
    if (!word.starts_with('-')) {
      words.folders.emplace_back(word);
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    bool found = false;
    for (const auto& [name, target] : flags)
      if (word == name || word == concat(name, "=true")) found = *target = true;
    if (!found)
      throw base::make_error(base::ErrorKind::invalid_argument, "unknown option ", argv[at])
          .with_hint("--user --dryrun -v --no-kmsg-log --version");
  }
  return words;
}

/// Where people look for what generators say: the kernel's log while the host boots, else standard error.
class GeneratorLog {
 public:
  explicit GeneratorLog(bool to_kernel) {
    if (to_kernel) kernel_ = base::UniqueFd{::open("/dev/kmsg", O_WRONLY | O_CLOEXEC)};
  }
  void say(std::string_view text) const {
    const std::string line = concat("engine-generator[", ::getpid(), "]: ", text, '\n');
    const std::string with_level = concat("<4>", line);  // a warning
    if (kernel_ && ::write(kernel_.get(), with_level.data(), with_level.size()) > 0) return;
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
  }

 private:
  base::UniqueFd kernel_;
};

}  // namespace

bool is_generator(std::string_view name) {
  return name == "engine-system-generator" || name == "engine-user-generator";
}

int generator_main(const std::vector<std::string>& argv) {
  const GeneratorWords words = parse_words(argv);
  if (words.version) {
    print(version_line());
    return 0;
  }
  if (!words.dry_run && words.folders.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, argv.front(), " needs a folder to write to")
        .with_hint("--dryrun shows what would be written");
  const GeneratorLog log{!words.dry_run && !words.no_kernel_log};
  const std::vector<std::string> places = engine::quadlet_folders(words.user);
  const engine::LoadedQuadlets loaded = engine::load_quadlets(places);
  if (words.verbose)
    for (const auto& [name, unit] : loaded.units) log.say(concat("read ", unit.path));
  if (loaded.units.empty() && loaded.problems.empty()) {
    if (words.dry_run) log.say(concat("no files in ", base::join(places, ", ")));
    return 0;
  }
  const engine::QuadletServices made = engine::make_services(loaded, engine::quadlet_surroundings(words.user));
  for (const std::string& problem : made.problems) log.say(problem);
  if (words.dry_run) {
    for (const engine::QuadletService& service : made.services)
      print(concat("---", service.name, "---\n", service.file.text(), '\n'));
  } else {
    ::umask(022);  // systemd, and whoever looks at a unit, reads these
    engine::write_services(words.folders.front(), made.services);
  }
  return made.problems.empty() ? 0 : 1;
}

}  // namespace cmd
