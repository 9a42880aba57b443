#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_signing.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct PushListWords {
  engine::PushListOptions options;
  std::string digest_file;
  std::string progress = "auto";
  bool quiet = false;
  bool remove_signatures = false;
};

ProgressStyle style_of(const PushListWords& words) {
  if (words.quiet || words.progress == "none") return ProgressStyle::none;
  if (words.progress == "tty") return ProgressStyle::bars;
  return words.progress == "plain" ? ProgressStyle::plain : ProgressStyle::automatic;
}

int push_list(Invocation& invocation, const PushListWords& words) {
  invocation.report_to(make_progress(style_of(words)));
  invocation.engine();
  ::umask(invocation.program.callers_umask);  // an archive or a folder is the user's, as with save
  const engine::PushedImage pushed =
      invocation.program.transfer->push_manifest_list(invocation.engine(), words.options);
  if (!words.digest_file.empty()) {
    const base::UniqueFd fd{::open(words.digest_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (!fd) throw base::os_error("writing the digest to ", base::quoted(words.digest_file));
    base::write_all(fd.get(), pushed.digest.text());
  }
  if (!words.quiet) print_line(pushed.digest.text());
  return 0;
}

void declare_what_podman_has(OptionTable& table, PushListWords& words) {
  table.flag("remove-signatures", 0, words.remove_signatures, "Send no signatures; they never are").hide();
  table.known("add-compression", 0, OptionKind::list, Treatment::refused);
  table.known("compression-format", 0, OptionKind::text, Treatment::refused);
  table.known("compression-level", 0, OptionKind::text, Treatment::refused);
  table.known("force-compression", 0, OptionKind::flag, Treatment::refused, "false");
  declare_signing_options(table, words.options.signing);
}

}  // namespace

Action declare_manifest_push(OptionTable& table) {
  const auto words = std::make_shared<PushListWords>();
  engine::PushListOptions& options = words->options;
  table.flag("all", 0, options.all, "Send the images of the list, too");
  table.text("digestfile", 0, "FILE", words->digest_file, "Write the digest of what was pushed to this file")
      .offers(Completes::files);
  table.text("format", 'f', "FORMAT", options.format, "Format of the list; its images are sent byte for byte")
      .choices("oci|v2s2");
  table.text("progress", 0, "STYLE", words->progress, "How to show progress").choices("auto|tty|plain|none");
  table.flag("quiet", 'q', words->quiet, "Show no progress and no digest");
  table.flag("rm", 0, options.remove_after, "Remove the list from the store when it was pushed");
  table.flag("purge", 'p', options.remove_after, "The same").hide();
  declare_remote_options(table, options.remote);
  declare_what_podman_has(table, *words);
  table.word("LIST", options.list, "Name or id of the list").completes = Completes::images;
  table
      .word("DESTINATION", options.destination,
            "Name to push to, or a transport and a place; the list's own name by default")
      .at_least = 0;
  return [words](Invocation& invocation) { return push_list(invocation, *words); };
}

}  // namespace cmd
