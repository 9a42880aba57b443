#include <fcntl.h>
#include <memory>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/progress_bar.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {
namespace {

void write_digest_file(const std::string& path, const std::string& digest) {
  const base::UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!fd) throw base::os_error("writing the digest to ", base::quoted(path));
  base::write_all(fd.get(), digest);
}

}  // namespace

Action declare_artifact_pull(OptionTable& table) {
  struct Words {
    engine::PullArtifactOptions options;
    bool quiet = false;
  };
  const auto words = std::make_shared<Words>();
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  declare_remote_options(table, words->options.remote);
  table.word("ARTIFACT", words->options.name, "Name in a registry, or a transport and a place");
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    print_line(invocation.program.transfer->pull_artifact(invocation.engine(), words->options).hex());
    return 0;
  };
}

Action declare_artifact_push(OptionTable& table) {
  struct Words {
    engine::PushArtifactOptions options;
    std::string digest_file;
    bool quiet = false;
  };
  const auto words = std::make_shared<Words>();
  table.text("digestfile", 0, "FILE", words->digest_file, "Write the digest of what was pushed to this file")
      .offers(Completes::files);
  table.flag("quiet", 'q', words->quiet, "Show no progress");
  declare_remote_options(table, words->options.remote);
  for (const char* name : {"sign-by", "sign-by-sigstore", "sign-by-sigstore-private-key", "sign-passphrase-file"})
    table.known(name, 0, OptionKind::text, Treatment::refused);
  table.word("ARTIFACT", words->options.name, "Name or digest");
  table
      .word("DESTINATION", words->options.destination,
            "Name to push to, or a transport and a place; its own by default")
      .at_least = 0;
  return [words](Invocation& invocation) {
    invocation.report_to(make_progress(words->quiet ? ProgressStyle::none : ProgressStyle::automatic));
    const engine::PushedImage pushed = invocation.program.transfer->push_artifact(invocation.engine(), words->options);
    if (!words->digest_file.empty()) write_digest_file(words->digest_file, pushed.digest.text());
    return 0;
  };
}

}  // namespace cmd
