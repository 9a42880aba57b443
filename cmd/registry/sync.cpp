#include "engine/sync.hpp"

#include <memory>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/registry/route_options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct SyncWords {
  engine::SyncOptions options;
  RouteWords route;
  std::string from, to;
  std::string output_format;
  std::string progress = "auto";
  unsigned jobs = 6;
  bool quiet = false;
  bool preserve_digests = true;
  bool remove_signatures = false;
};

ProgressStyle style_of(const SyncWords& words) {
  if (words.quiet || words.progress == "none") return ProgressStyle::none;
  if (words.progress == "tty") return ProgressStyle::bars;
  return words.progress == "plain" ? ProgressStyle::plain : ProgressStyle::automatic;
}

/// One object a line, so that a script reads them as they come.
std::string json_line(const engine::SyncedImage& image) {
  base::JsonWriter json;
  json.begin_object().member("Source", image.source).member("Destination", image.destination);
  json.member("Digest", image.digest);
  if (!image.error.empty()) json.member("Error", image.error);
  json.end_object();
  return json.take();
}

void show(const engine::SyncedImage& image, Format format) {
  if (format == Format::json) return print_line(json_line(image));
  if (!image.error.empty()) return print_error(base::Error(base::ErrorKind::network, image.error));
  print_line(base::concat(image.source, " -> ", image.destination, image.digest.empty() ? "" : "  ", image.digest));
}

int sync(Invocation& invocation, const SyncWords& words) {
  const Format format = parse_format(words.output_format);
  engine::SyncOptions options = words.options;
  if (words.from.empty() || words.to.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--src and --dest are needed")
        .with_hint("such as: engine sync --src docker --dest dir quay.io/team/app FOLDER");
  if (!words.preserve_digests) throw base::Error(base::ErrorKind::unsupported, "digests are always preserved");
  options.from = engine::parse_sync_place(words.from);
  options.to = engine::parse_sync_place(words.to);
  options.jobs = words.jobs == 0 ? 1 : words.jobs;
  options.remote_from = source_options(words.route);
  options.remote_to = destination_options(words.route);
  invocation.report_to(make_progress(style_of(words)));
  invocation.engine();
  ::umask(invocation.program.callers_umask);  // folders are the user's, as with save
  invocation.program.transfer->sync_images(invocation.engine(), options,
                                           [&](const engine::SyncedImage& image) { show(image, format); });
  return 0;
}

}  // namespace

Action declare_sync(OptionTable& table) {
  const auto words = std::make_shared<SyncWords>();
  engine::SyncOptions& options = words->options;
  table.text("src", 's', "KIND", words->from, "What SOURCE is").choices("docker|dir|yaml");
  table.text("dest", 'd', "KIND", words->to, "What DESTINATION is").choices("docker|dir");
  table.flag("all", 'a', options.all, "Copy whole indexes with the images of all platforms");
  table.text("append-suffix", 0, "TEXT", options.append_suffix, "Put this behind every tag");
  table.flag("dry-run", 0, options.dry_run, "Say what would be copied, and copy nothing");
  table.number("jobs", 'j', "COUNT", &words->jobs, "How many blobs are copied at once");
  table.flag("keep-going", 0, options.keep_going, "Go on with the other images when one fails");
  table.text("output", 'o', "FORMAT", words->output_format, "json: one object a line, for scripts");
  table.text("progress", 0, "STYLE", words->progress, "How to show progress").choices("auto|tty|plain|none");
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.flag("scoped", 0, options.scoped, "Keep the whole name of the source behind that of the destination");
  table.flag("preserve-digests", 0, words->preserve_digests, "Keep digests, which happens anyway").hide();
  table.flag("remove-signatures", 0, words->remove_signatures, "Copy no signatures; they never are").hide();
  table.known("format", 'f', OptionKind::text, Treatment::refused);
  table.known("sign-by", 0, OptionKind::text, Treatment::refused);
  declare_route_options(table, words->route);
  table.word("SOURCE", options.source, "Repository or image, folder, or YAML file");
  table.word("DESTINATION", options.destination, "Registry with the beginning of a name, or folder");
  return [words](Invocation& invocation) { return sync(invocation, *words); };
}

}  // namespace cmd
