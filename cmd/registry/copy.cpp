#include "engine/copy.hpp"

#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/options_signing.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/registry/route_options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct CopyWords {
  engine::CopyOptions options;
  RouteWords route;
  PlatformWords platform;
  std::string progress = "auto";
  std::string output_format;
  std::string digest_file;
  std::string multi_arch;
  unsigned jobs = 6;
  bool quiet = false;
  bool preserve_digests = true;
  bool remove_signatures = false;
};

ProgressStyle style_of(const CopyWords& words) {
  if (words.quiet || words.progress == "none") return ProgressStyle::none;
  if (words.progress == "tty") return ProgressStyle::bars;
  return words.progress == "plain" ? ProgressStyle::plain : ProgressStyle::automatic;
}

std::string copied_json(const engine::CopiedImage& image) {
  base::JsonWriter json{4};
  json.begin_object().member("Source", image.source).member("Destination", image.destination);
  json.member("Digest", image.digest).member("Manifests", static_cast<std::uint64_t>(image.manifests));
  json.key("Blobs").begin_array();
  for (const engine::CopiedBlob& blob : image.blobs) {
    json.begin_object().member("Digest", blob.digest).member("Size", blob.size_bytes);
    json.member("WasThere", blob.was_there).end_object();
  }
  json.end_array().member("Referrers", image.referrers).end_object();
  return json.take();
}

/// What --dry-run found, as for push.
void print_plan(const engine::CopiedImage& image) {
  std::uint64_t total = 0;
  for (const engine::CopiedBlob& blob : image.blobs) {
    print_line(
        base::concat(blob.was_there ? "there  " : "send   ", blob.digest, "  ", base::human_size(blob.size_bytes)));
    if (!blob.was_there) total += blob.size_bytes;
  }
  print_line(
      base::concat("write  ", image.digest, "  ", image.manifests, image.manifests == 1 ? " manifest" : " manifests"));
  print_line(base::concat("would send ", base::human_size(total), " to ", image.destination));
}

void write_digest_file(const std::string& path, const std::string& digest) {
  const base::UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!fd) throw base::os_error("writing the digest to ", base::quoted(path));
  base::write_all(fd.get(), digest);
}

int copy_one(Invocation& invocation, const CopyWords& words) {
  engine::CopyOptions options = words.options;
  const Format format = parse_format(words.output_format);
  if (!words.preserve_digests)
    throw base::Error(base::ErrorKind::unsupported, "digests are always preserved")
        .with_hint("--format converts a manifest, which then has another digest");
  options.platform = joined_platform(words.platform);
  options.all = options.all || words.multi_arch == "all";
  if (options.all && !options.platform.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--all takes every platform; leave --platform out");
  options.jobs = words.jobs == 0 ? 1 : words.jobs;
  options.from = source_options(words.route);
  options.to = destination_options(words.route);
  invocation.report_to(make_progress(style_of(words)));
  invocation.engine();
  ::umask(invocation.program.callers_umask);  // an archive or a folder is the user's, as with save
  const engine::CopiedImage copied = invocation.program.transfer->copy_image(invocation.engine(), options);
  if (format == Format::json)
    print_line(copied_json(copied));
  else if (options.dry_run)
    print_plan(copied);
  else
    print_line(copied.digest);
  if (!words.digest_file.empty()) write_digest_file(words.digest_file, copied.digest);
  return 0;
}

void declare_what_skopeo_has(OptionTable& table, CopyWords& words) {
  declare_signing_options(table, words.options.signing);
  table.text("sign-identity", 0, "NAME", words.options.signing.identity,
             "The name that is signed; where the image goes by default");
  table.flag("preserve-digests", 0, words.preserve_digests, "Keep digests, which happens anyway").hide();
  table.flag("remove-signatures", 0, words.remove_signatures, "Copy no signatures, which needs --referrers anyway")
      .hide();
  table.known("encryption-key", 0, OptionKind::list, Treatment::refused);
  table.known("encrypt-layer", 0, OptionKind::list, Treatment::refused);
  table.known("decryption-key", 0, OptionKind::list, Treatment::refused);
  table.known("dest-compress", 0, OptionKind::flag, Treatment::refused, "false");
  table.known("dest-decompress", 0, OptionKind::flag, Treatment::refused, "false");
  table.known("dest-compress-format", 0, OptionKind::text, Treatment::refused);
  table.known("dest-compress-level", 0, OptionKind::text, Treatment::refused);
  table.known("dest-oci-accept-uncompressed-layers", 0, OptionKind::flag, Treatment::ignored);
  table.known("dest-precompute-digests", 0, OptionKind::flag, Treatment::ignored);
  table.known("additional-tag", 0, OptionKind::list, Treatment::refused);
}

}  // namespace

Action declare_copy(OptionTable& table) {
  const auto words = std::make_shared<CopyWords>();
  engine::CopyOptions& options = words->options;
  table.flag("all", 'a', options.all, "Copy the whole index with the images of all platforms");
  table.text("multi-arch", 0, "WHAT", words->multi_arch, "The same in skopeo's words").choices("system|all").hide();
  table.text("digestfile", 0, "FILE", words->digest_file, "Write the digest to this file").offers(Completes::files);
  table.flag("dry-run", 0, options.dry_run, "Say what would be sent, and send nothing");
  table.text("format", 'f', "FORMAT", options.format, "Convert the manifest; otherwise it is copied byte for byte")
      .choices("oci|v2s2");
  table.number("jobs", 'j', "COUNT", &words->jobs, "How many blobs are copied at once");
  table.text("output", 'o', "FORMAT", words->output_format, "json: say what was copied, for scripts");
  table.text("progress", 0, "STYLE", words->progress, "How to show progress").choices("auto|tty|plain|none");
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.flag("referrers", 0, options.referrers, "Copy signatures, attestations and what else refers to the image, too");
  declare_platform_options(table, words->platform);
  declare_route_options(table, words->route);
  declare_what_skopeo_has(table, *words);
  table.word("SOURCE", options.source, "Image name, or a transport and a place").completes = Completes::images;
  table.word("DESTINATION", options.destination, "Where to, likewise");
  return [words](Invocation& invocation) { return copy_one(invocation, *words); };
}

}  // namespace cmd
