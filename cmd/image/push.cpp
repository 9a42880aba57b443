#include "engine/push.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/options_signing.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct PushWords {
  engine::PushOptions options;
  bool quiet = false;
  bool remove_signatures = false;
  std::string progress = "auto";
  std::string digest_file;
};

ProgressStyle style_of(const PushWords& words) {
  if (words.quiet || words.progress == "none") return ProgressStyle::none;
  if (words.progress == "tty") return ProgressStyle::bars;
  return words.progress == "plain" ? ProgressStyle::plain : ProgressStyle::automatic;
}

/// A file of the user's, where scripts look for the digest.
void write_digest_file(const std::string& path, const std::string& digest) {
  const base::UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!fd) throw base::os_error("writing the digest to ", base::quoted(path));
  base::write_all(fd.get(), digest);
}

/// What --dry-run found: a line for each blob, and one for the manifest.
void print_plan(const engine::PushedImage& image) {
  std::uint64_t total = 0;
  for (const engine::PushedBlob& blob : image.blobs) {
    print_line(
        base::concat(blob.is_there ? "there  " : "send   ", blob.digest, "  ", base::human_size(blob.size_bytes)));
    if (!blob.is_there) total += blob.size_bytes;
  }
  print_line(base::concat("write  ", image.digest, "  manifest"));
  print_line(base::concat("would send ", base::human_size(total), " to ", image.destination));
}

int push_one(Invocation& invocation, const PushWords& words) {
  invocation.report_to(make_progress(style_of(words)));
  invocation.engine();
  ::umask(invocation.program.callers_umask);  // an archive or a folder is the user's, as with save
  const engine::PushedImage pushed = invocation.program.transfer->push(invocation.engine(), words.options);
  if (words.options.is_rehearsal) print_plan(pushed);
  if (!words.digest_file.empty()) write_digest_file(words.digest_file, pushed.digest.text());
  return 0;
}

void declare_form(OptionTable& table, engine::PushOptions& options) {
  table.text("format", 'f', "FORMAT", options.format, "Convert the manifest; otherwise it is sent byte for byte")
      .choices("oci|v2s2");
  table.known("compress", 0, OptionKind::flag, Treatment::ignored);
  table.text("compression-format", 0, "FORMAT", options.compression, "Compress layers that are not compressed this way")
      .choices("gzip|zstd|zstd:chunked");
  table.number("compression-level", 0, "LEVEL", &options.compression_level, "1 to 9 for gzip, 1 to 22 for zstd");
  table.flag("force-compression", 0, options.force_compression,
             "Compress layers anew that are compressed this way, too");
  table.known("encryption-key", 0, OptionKind::list, Treatment::refused);
  table.known("encrypt-layer", 0, OptionKind::list, Treatment::refused);
  declare_signing_options(table, options.signing);
}

}  // namespace

Action declare_push(OptionTable& table) {
  const auto words = std::make_shared<PushWords>();
  engine::PushOptions& options = words->options;
  table.flag("all", 0, options.whole_index, "Send the whole index that the image was chosen from");
  table.text("digestfile", 0, "FILE", words->digest_file, "Write the digest of what was pushed to this file")
      .offers(Completes::files);
  table.flag("dry-run", 0, options.is_rehearsal, "Say what would be sent, and send nothing");
  table.text("progress", 0, "STYLE", words->progress, "How to show progress").choices("auto|tty|plain|none");
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  table.flag("remove-signatures", 0, words->remove_signatures, "Send no signatures; they never are");
  table.number("retry", 0, "COUNT", &options.retries, "How often to try again after a failure of the network");
  table.text("retry-delay", 0, "DURATION", options.retry_delay, "How long to wait before trying again, as in 2s");
  table.known("disable-content-trust", 0, OptionKind::flag, Treatment::ignored);
  declare_form(table, options);
  declare_registry_options(table, options.tls_verify, options.auth_file, options.creds, options.cert_dir);
  table.word("IMAGE", options.image, "Name or id of the image").completes = Completes::images;
  Positional& destination = table.word("DESTINATION", options.destination,
                                       "Name to push to, or a transport and a place; the image's own name by default");
  destination.at_least = 0;
  return [words](Invocation& invocation) { return push_one(invocation, *words); };
}

}  // namespace cmd
