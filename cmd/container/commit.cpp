#include "engine/commit.hpp"

#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/pause.hpp"

namespace cmd {
namespace {

struct CommitWords {
  engine::CommitOptions options;
  std::string id_file;
  bool quiet = false;
  bool pause = false;
};

/// With --pause, and when it runs: what others paused stays paused.
std::string commit(Invocation& invocation, const CommitWords& words) {
  engine::Engine& engine = invocation.engine();
  engine::PauseOptions container{.containers = {words.options.container}, .one_of_all = true};
  const bool was_paused = words.pause && !engine::pause(engine, container).empty();
  const auto resume = base::on_scope_exit([&] {
    try {
      if (was_paused) engine::unpause(engine, container);
    } catch (const base::Error& error) {  // it ended meanwhile, or somebody else let it go on
      base::log(base::LogLevel::debug, error.message());
    }
  });
  return invocation.program.transfer->commit(engine, words.options);
}

void write_id_file(const std::string& path, const std::string& id) {
  const base::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file) throw base::os_error("opening ", base::quoted(path));
  base::with_context([&] { base::write_all(file.get(), id); }, "writing ", base::quoted(path));
}

}  // namespace

Action declare_commit(OptionTable& table) {
  const auto words = std::make_shared<CommitWords>();
  engine::CommitOptions& options = words->options;
  table.text("author", 'a', "AUTHOR", options.author, "Who made the image");
  table.list("change", 'c', "INSTRUCTION", options.changes,
             "Apply CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR");
  table.text("format", 'f', "FORMAT", options.format, "Format of the manifest: oci or docker")
      .choices("oci|docker")
      .defaults_to("oci");
  table.text("iidfile", 0, "FILE", words->id_file, "Write the image's id to this file").offers(Completes::files);
  table.flag("include-volumes", 0, options.include_volumes, "The container's volumes are volumes of the image");
  table.text("message", 'm', "TEXT", options.message, "Comment in the image's history");
  table.flag("pause", 'p', words->pause, "Let the container's processes stand still meanwhile");
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.flag("squash", 's', options.squash, "One layer of everything, not one more");
  table.word("CONTAINER", options.container, "Name or id").completes = Completes::containers;
  table.word("IMAGE", options.name, "Name of the image").at_least = 0;
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    const std::string id = commit(invocation, *words);
    ::umask(invocation.program.callers_umask);
    if (!words->id_file.empty()) write_id_file(words->id_file, id);
    print_line(id);
    return 0;
  };
}

}  // namespace cmd
