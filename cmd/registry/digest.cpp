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

struct DigestWords {
  engine::DigestOptions options;
  PlatformWords platform;
  std::string format;
  bool full_ref = false;
};

std::string digest_json(const engine::ImageDigest& image, bool with_referrers) {
  base::JsonWriter json{4};
  json.begin_object().member("Name", image.name).member("Digest", image.digest);
  json.member("MediaType", image.media_type).member("Size", image.size_bytes);
  if (with_referrers) {
    json.key("Referrers").begin_array();
    for (const engine::ReferrerSummary& referrer : image.referrers) {
      json.begin_object().member("Digest", referrer.digest).member("ArtifactType", referrer.artifact_type);
      json.member("MediaType", referrer.media_type).member("Size", referrer.size_bytes);
      json.member("Annotations", referrer.annotations).end_object();
    }
    json.end_array();
  }
  json.end_object();
  return json.take();
}

/// The image's digest, and below it a line for each thing that refers to it.
std::string referrers_text(const engine::ImageDigest& image) {
  Table table{{"DIGEST", "TYPE", "SIZE"}};
  for (const engine::ReferrerSummary& referrer : image.referrers) {
    const std::string& type = referrer.artifact_type.empty() ? referrer.media_type : referrer.artifact_type;
    table.add_row({referrer.digest, type, base::human_size(referrer.size_bytes)});
  }
  return base::concat(image.digest, '\n', image.referrers.empty() ? "" : table.text(false));
}

/// "docker.io/library/busybox:1" to "docker.io/library/busybox@sha256:…".
std::string full_reference(const engine::ImageDigest& image) {
  std::string name = image.name.substr(0, image.name.find('@'));
  const std::size_t slash = name.rfind('/');
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) name.resize(colon);
  return base::concat(name, '@', image.digest);
}

int print_digest(Invocation& invocation, const DigestWords& words) {
  const Format format = parse_format(words.format);
  engine::DigestOptions options = words.options;
  options.platform = joined_platform(words.platform);
  const engine::ImageDigest image = invocation.program.transfer->image_digest(invocation.engine(), options);
  if (format == Format::json)
    print_line(digest_json(image, options.referrers));
  else if (options.referrers)
    print(referrers_text(image));
  else
    print_line(words.full_ref ? full_reference(image) : image.digest);
  return 0;
}

}  // namespace

Action declare_digest(OptionTable& table) {
  const auto words = std::make_shared<DigestWords>();
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  table.flag("full-ref", 0, words->full_ref, "Show the whole name with the digest");
  table.flag("referrers", 0, words->options.referrers,
             "Show what refers to the image as well: signatures and the like");
  declare_platform_options(table, words->platform);
  declare_remote_options(table, words->options.remote);
  table.word("IMAGE", words->options.image, "Image name, or a transport and a place").completes = Completes::images;
  return [words](Invocation& invocation) { return print_digest(invocation, *words); };
}

}  // namespace cmd
