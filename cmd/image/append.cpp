#include "engine/append.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "cmd/commands.hpp"
#include "cmd/image/derived.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {

void declare_derived_options(OptionTable& table, DerivedWords& words) {
  table.text("format", 0, "FORMAT", words.format, "json: say what was made, for scripts").choices("json");
  table.flag("quiet", 'q', words.quiet, "Show no progress");
  table.text("tag", 't', "NAME", words.place.tag, "Name of the new image in the store, or a transport and a place");
  declare_platform_options(table, words.platform);
  declare_remote_options(table, words.place.remote);
}

engine::DerivedPlace place_of(const DerivedWords& words) {
  engine::DerivedPlace place = words.place;
  place.platform = joined_platform(words.platform);
  return place;
}

void print_derived(const engine::DerivedImage& image, const DerivedWords& words) {
  if (words.format.empty()) return print_line(base::concat("sha256:", image.id));
  base::JsonWriter json{4};
  json.begin_object().member("Id", image.id).member("Digest", image.digest);
  json.member("Destination", image.destination).end_object();
  print_line(json.text());
}

Action declare_append(OptionTable& table) {
  struct Words {
    DerivedWords derived;
    std::vector<std::string> files, more;
  };
  const auto words = std::make_shared<Words>();
  table.text("base", 'b', "IMAGE", words->derived.place.base, "Image to add to: of the store or of a registry");
  table.list("new-layer", 'f', "TAR", words->files, "The same as naming the TAR").offers(Completes::files);
  declare_derived_options(table, words->derived);
  table.words("TAR", words->more, 0, "Layers to add, compressed or not, the lowest first; - is standard input")
      .completes = Completes::files;
  return [words](Invocation& invocation) {
    engine::AppendOptions options{place_of(words->derived), words->files};
    options.layers.insert(options.layers.end(), words->more.begin(), words->more.end());
    if (options.place.base.empty() || options.layers.empty())
      throw base::Error(base::ErrorKind::invalid_argument, "\"engine append\" needs --base IMAGE and at least one TAR");
    invocation.report_to(make_progress(words->derived.quiet ? ProgressStyle::none : ProgressStyle::automatic));
    print_derived(invocation.program.transfer->append_layers(invocation.engine(), options), words->derived);
    return 0;
  };
}

}  // namespace cmd
