#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cmd/archive_output.hpp"
#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/volume_archive.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

base::UniqueFd open_input(const std::string& source) {
  if (source == "-") {
    if (::isatty(STDIN_FILENO) == 0) return base::duplicate(STDIN_FILENO);
    throw make_error(ErrorKind::invalid_argument, "an archive is not read from a terminal")
        .with_hint("name a file, or redirect standard input");
  }
  base::UniqueFd file{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) throw base::os_error("opening ", quoted(source));
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode))
    throw make_error(ErrorKind::invalid_argument, quoted(source), " is a folder, not an archive");
  return file;
}

struct ImportWords {
  std::string volume;
  std::string source = "-";
};

}  // namespace

Action declare_volume_export(OptionTable& table) {
  struct Words {
    std::string volume, output;
  };
  const auto words = std::make_shared<Words>();
  table.text("output", 'o', "FILE", words->output, "Write to this file, not to standard output")
      .offers(Completes::files);
  table.word("VOLUME", words->volume, "Its name").completes = Completes::volumes;
  return [words](Invocation& invocation) {
    engine::Engine& engine = invocation.engine();
    write_archive(invocation, words->output, [&](int output) { engine::export_volume(engine, words->volume, output); });
    return 0;
  };
}

Action declare_volume_import(OptionTable& table) {
  const auto words = std::make_shared<ImportWords>();
  table.word("VOLUME", words->volume, "Its name").completes = Completes::volumes;
  Positional& source = table.word("FILE", words->source, "The archive; - is standard input, as when there is none");
  source.at_least = 0;
  source.completes = Completes::files;
  return [words](Invocation& invocation) {
    const base::UniqueFd input = open_input(words->source);
    invocation.program.transfer->import_volume(invocation.engine(), words->volume, input.get());
    return 0;
  };
}

}  // namespace cmd
