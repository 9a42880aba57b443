#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/options_image.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/table.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

struct ListWords {
  engine::BlobOptions options;
  PlatformWords platform;
  std::string format;
  bool quiet = false;
};

class StandardOutput final : public base::Sink {
 public:
  void write(std::string_view bytes) override { print(bytes); }
};

std::string blobs_json(const std::vector<engine::BlobSummary>& blobs) {
  base::JsonWriter json{4};
  json.begin_array();
  for (const engine::BlobSummary& blob : blobs) {
    json.begin_object().member("Kind", blob.kind).member("Digest", blob.digest).member("Size", blob.size_bytes);
    json.member("MediaType", blob.media_type);
    if (!blob.platform.empty()) json.member("Platform", blob.platform);
    json.end_object();
  }
  json.end_array();
  return json.take();
}

void print_blobs(const std::vector<engine::BlobSummary>& blobs, const ListWords& words, Format format) {
  if (words.quiet) {
    std::string text;
    for (const engine::BlobSummary& blob : blobs) text += base::concat(blob.digest, '\n');
    return print(text);
  }
  if (format == Format::json) return print_line(blobs_json(blobs));
  Table table{{"KIND", "DIGEST", "SIZE", "MEDIA TYPE"}};
  for (const engine::BlobSummary& blob : blobs) {
    const std::string kind = blob.platform.empty() ? blob.kind : base::concat(blob.kind, ' ', blob.platform);
    table.add_row({kind, blob.digest, base::human_size(blob.size_bytes), blob.media_type});
  }
  print(table.text(true));
}

}  // namespace

Action declare_blob_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.flag("all", 'a', words->options.all, "Blobs of all images of an index");
  table.text("format", 0, "FORMAT", words->format, "table, or json for scripts");
  table.flag("quiet", 'q', words->quiet, "Show digests only");
  declare_platform_options(table, words->platform);
  declare_remote_options(table, words->options.remote);
  table.word("IMAGE", words->options.image, "Image name, or a transport and a place").completes = Completes::images;
  return [words](Invocation& invocation) {
    const Format format = parse_format(words->format);
    engine::BlobOptions options = words->options;
    options.platform = joined_platform(words->platform);
    print_blobs(invocation.program.transfer->list_blobs(invocation.engine(), options), *words, format);
    return 0;
  };
}

Action declare_blob_cat(OptionTable& table) {
  const auto options = std::make_shared<engine::BlobOptions>();
  declare_remote_options(table, options->remote);
  table.word("IMAGE", options->image, "Image that has the blob; IMAGE@DIGEST names both").completes = Completes::images;
  table.word("DIGEST", options->digest, "Which blob").at_least = 0;
  return [options](Invocation& invocation) {
    StandardOutput output;
    invocation.program.transfer->write_blob(invocation.engine(), *options, output);
    return 0;
  };
}

}  // namespace cmd
