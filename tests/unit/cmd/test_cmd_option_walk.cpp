#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/global_options.hpp"
#include "cmd/option_walk.hpp"
#include "cmd/options_run.hpp"

namespace {

using cmd::Given;
using cmd::OptionTable;
using cmd::Walk;

/// Words are separated by one blank; '' is an empty word.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  if (line.empty()) return words;
  for (const std::string_view word : base::split(line, ' ')) words.emplace_back(word == "''" ? "" : word);
  return words;
}

/// "rm=true e=A=1 | IMAGE ARG"
std::string shown(const Walk& walk) {
  std::string out;
  for (const Given& given : walk.options) out += base::concat(given.option->name, '=', given.value, ' ');
  for (const Given& given : walk.global_options)
    out += base::concat("global:", given.option->name, '=', given.value, ' ');
  if (walk.wants_help) out += "HELP ";
  out += '|';
  for (const std::string& word : walk.words) out += base::concat(' ', word.empty() ? "''" : word);
  return out;
}

struct GlobalTable {
  cmd::GlobalWords words;
  OptionTable table;
  GlobalTable() { declare_global_options(table, words); }
};

/// As `engine run` reads its words; an error shows as "! message".
std::string walk_run(std::string_view line) {
  GlobalTable globals;
  cmd::RunWords words;
  OptionTable table;
  declare_run_options(table, words);
  table.flag("detach", 'd', words.options.detach, "");
  try {
    return shown(walk_words(table, globals.table, words_of(line), "engine run"));
  } catch (const base::Error& error) {
    return base::concat("! ", error.message());
  }
}

/// A command whose options and words alternate, with an option whose value may be left out.
std::string walk_alternating(std::string_view line, cmd::WordsMode mode = cmd::WordsMode::anywhere) {
  GlobalTable globals;
  OptionTable table;
  bool all = false;
  bool force = false;
  std::string signal;
  std::string color;
  std::vector<std::string> names;
  table.flag("all", 'a', all, "");
  table.flag("force", 'f', force, "");
  table.text("signal", 's', "SIGNAL", signal, "");
  cmd::Option& optional = table.text("color", 'c', "WHEN", color, "");
  optional.kind = cmd::OptionKind::optional_text;
  optional.implied = "always";
  table.words("NAME", names, 0, "");
  table.set_words_mode(mode);
  try {
    return shown(walk_words(table, globals.table, words_of(line), "engine kill"));
  } catch (const base::Error& error) {
    return base::concat("! ", error.message());
  }
}

struct Line {
  const char* typed;
  const char* meant;
};

}  // namespace

TEST_CASE("run reads its options as pflag does, up to IMAGE") {
  const Line lines[] = {
      // words
      {"", "|"},
      {"busybox", "| busybox"},
      {"busybox sh", "| busybox sh"},
      {"busybox sh -c ls", "| busybox sh -c ls"},
      {"busybox --rm", "| busybox --rm"},
      {"busybox -it --name x", "| busybox -it --name x"},
      {"busybox --", "| busybox --"},
      {"busybox -- ls", "| busybox -- ls"},
      {"busybox --help", "| busybox --help"},
      {"-- busybox", "| busybox"},
      {"-- -busybox", "| -busybox"},
      {"-- --rm", "| --rm"},
      {"--rm -- busybox -- x", "rm=true | busybox -- x"},
      {"-", "| -"},
      {"- -t", "| - -t"},
      {"''", "| ''"},
      {"'' --rm", "| '' --rm"},
      {"[", "| ["},
      {"[ -e x ]", "| [ -e x ]"},
      {"--rm [a,b] c", "rm=true | [a,b] c"},
      // flags
      {"--rm busybox", "rm=true | busybox"},
      {"--rm=true busybox", "rm=true | busybox"},
      {"--rm=false busybox", "rm=false | busybox"},
      {"--rm=1 busybox", "rm=true | busybox"},
      {"--rm=0 busybox", "rm=false | busybox"},
      {"--rm=t busybox", "rm=true | busybox"},
      {"--rm=F busybox", "rm=false | busybox"},
      {"--rm=TRUE busybox", "rm=true | busybox"},
      {"--rm=False busybox", "rm=false | busybox"},
      {"--rm false", "rm=true | false"},
      {"--rm true", "rm=true | true"},
      {"--rm --rm busybox", "rm=true rm=true | busybox"},
      {"--rm --rm=false busybox", "rm=true rm=false | busybox"},
      {"--read-only-tmpfs=false busybox", "read-only-tmpfs=false | busybox"},
      {"--tls-verify=false busybox", "tls-verify=false | busybox"},
      // letters
      {"-i busybox", "interactive=true | busybox"},
      {"-t busybox", "tty=true | busybox"},
      {"-it busybox sh", "interactive=true tty=true | busybox sh"},
      {"-ti busybox sh", "tty=true interactive=true | busybox sh"},
      {"-itd busybox", "interactive=true tty=true detach=true | busybox"},
      {"-i -t busybox", "interactive=true tty=true | busybox"},
      {"-t=false busybox", "tty=false | busybox"},
      {"-it=false busybox", "interactive=true tty=false | busybox"},
      {"-d busybox sleep 60", "detach=true | busybox sleep 60"},
      {"-q busybox", "quiet=true | busybox"},
      // values
      {"--name web busybox", "name=web | busybox"},
      {"--name=web busybox", "name=web | busybox"},
      {"--name= busybox", "name= | busybox"},
      {"--name '' busybox", "name= | busybox"},
      {"--name --rm busybox", "name=--rm | busybox"},
      {"--name -- busybox", "name=-- | busybox"},
      {"--name=a=b busybox", "name=a=b | busybox"},
      {"--name=--rm busybox", "name=--rm | busybox"},
      {"-e A=1 busybox", "env=A=1 | busybox"},
      {"-eA=1 busybox", "env=A=1 | busybox"},
      {"-e=A=1 busybox", "env=A=1 | busybox"},
      {"--env A=1 busybox", "env=A=1 | busybox"},
      {"--env=A busybox", "env=A | busybox"},
      {"--env=A= busybox", "env=A= | busybox"},
      {"--env=A=b=c busybox", "env=A=b=c | busybox"},
      {"-e A -e B busybox", "env=A env=B | busybox"},
      {"-e -e busybox", "env=-e | busybox"},
      {"-e -- busybox", "env=-- | busybox"},
      {"-e '' busybox", "env= | busybox"},
      {"-e=", "env== |"},
      {"-e [a,b] busybox", "env=[a,b] | busybox"},
      {"--env=[a,b] busybox", "env=[a,b] | busybox"},
      {"-e {} busybox", "env={} | busybox"},
      {"-ite A=1 busybox", "interactive=true tty=true env=A=1 | busybox"},
      {"-iteA=1 busybox", "interactive=true tty=true env=A=1 | busybox"},
      {"-dp8080:80 busybox", "detach=true publish=8080:80 | busybox"},
      {"-p8080:80 busybox", "publish=8080:80 | busybox"},
      {"-p 8080:80 busybox", "publish=8080:80 | busybox"},
      {"-P busybox", "publish-all=true | busybox"},
      {"-v /a:/b busybox", "volume=/a:/b | busybox"},
      {"-v/a:/b:ro busybox", "volume=/a:/b:ro | busybox"},
      {"-v=/a:/b busybox", "volume=/a:/b | busybox"},
      {"-w/tmp busybox", "workdir=/tmp | busybox"},
      {"-u 1000:1000 busybox", "user=1000:1000 | busybox"},
      {"-uroot busybox", "user=root | busybox"},
      {"-l a=b busybox", "label=a=b | busybox"},
      {"-m -1 busybox", "memory=-1 | busybox"},
      {"-m 64m busybox", "memory=64m | busybox"},
      {"--memory=-1 busybox", "memory=-1 | busybox"},
      {"--entrypoint= busybox", "entrypoint= | busybox"},
      {"--entrypoint '' busybox", "entrypoint= | busybox"},
      {"--entrypoint=[\"a\",\"b\"] busybox", "entrypoint=[\"a\",\"b\"] | busybox"},
      {"--cap-add a,b busybox", "cap-add=a,b | busybox"},
      {"--net host busybox", "net=host | busybox"},
      {"--network=none busybox", "network=none | busybox"},
      {"--mount type=tmpfs,dst=/x busybox", "mount=type=tmpfs,dst=/x | busybox"},
      {"--stop-timeout -1 busybox", "stop-timeout=-1 | busybox"},
      {"--preserve-fds=2 busybox", "preserve-fds=2 | busybox"},
      // -h is the host name here
      {"-h web busybox", "hostname=web | busybox"},
      {"-hweb busybox", "hostname=web | busybox"},
      {"--help", "HELP |"},
      {"--rm --help busybox", "rm=true HELP | busybox"},
      // global options behind the command
      {"--log-level=debug busybox", "global:log-level=debug | busybox"},
      {"--log-level debug --rm busybox", "rm=true global:log-level=debug | busybox"},
      {"--root /s busybox", "global:root=/s | busybox"},
      // mistakes
      {"--rm=maybe busybox", "! --rm is true or false, not \"maybe\""},
      {"--rm= busybox", "! --rm is true or false, not \"\""},
      {"-t=x busybox", "! -t is true or false, not \"x\""},
      {"-t= busybox", "! unknown option -= in -t= of \"engine run\""},
      {"--name", "! --name of \"engine run\" needs a value"},
      {"-e", "! -e of \"engine run\" needs a value"},
      {"-ite", "! -e of \"engine run\" needs a value"},
      {"--nope busybox", "! unknown option --nope of \"engine run\""},
      {"--nope=1 busybox", "! unknown option --nope of \"engine run\""},
      {"-X busybox", "! unknown option -X of \"engine run\""},
      {"-iX busybox", "! unknown option -X in -iX of \"engine run\""},
      {"--=x busybox", "! malformed option \"--=x\""},
      {"---rm busybox", "! malformed option \"---rm\""},
      {"--Rm busybox", "! unknown option --Rm of \"engine run\""},
      {"--r busybox", "! unknown option --r of \"engine run\""},
  };
  CHECK(std::size(lines) >= 100);
  for (const auto& [typed, meant] : lines) {
    const auto& shown = typed;
    CAPTURE(shown);
    CHECK(walk_run(typed) == meant);
  }
}

TEST_CASE("options and words may alternate where nothing belongs to a container") {
  const Line lines[] = {
      {"web", "| web"},
      {"web db", "| web db"},
      {"web -a db", "all=true | web db"},
      {"web db -af", "all=true force=true | web db"},
      {"web --signal INT db", "signal=INT | web db"},
      {"web -sINT", "signal=INT | web"},
      {"web -s", "! -s of \"engine kill\" needs a value"},
      {"web -- -a", "| web -a"},
      {"-- web -- -a", "| web -- -a"},
      {"web -h", "HELP | web"},
      {"-ah", "all=true HELP |"},
      {"--color web", "color=always | web"},
      {"--color=never web", "color=never | web"},
      {"--color= web", "color= | web"},
      {"-c web", "color=always | web"},
      {"-c=never web", "color=never | web"},
      {"-ca web", "color=always all=true | web"},
      {"-v web", "! unknown option -v of \"engine kill\""},
  };
  for (const auto& [typed, meant] : lines) {
    const auto& shown = typed;
    CAPTURE(shown);
    CHECK(walk_alternating(typed) == meant);
  }
}

TEST_CASE("in raw mode nothing is an option") {
  CHECK(walk_alternating("-a --help -- web", cmd::WordsMode::raw) == "| -a --help -- web");
}

TEST_CASE("an unknown option names the nearest one") {
  GlobalTable globals;
  cmd::RunWords words;
  OptionTable table;
  declare_run_options(table, words);
  const Line lines[] = {
      {"--evn", "did you mean --env?"},
      {"--hostnam", "did you mean --hostname?"},
      {"--interactiv", "did you mean --interactive?"},
      {"--log-levle", "did you mean --log-level?"},
      {"--zzzzzz", "see engine run --help"},
  };
  for (const auto& [typed, hint] : lines) {
    const auto& shown = typed;
    CAPTURE(shown);
    std::string got;
    try {
      walk_words(table, globals.table, {typed}, "engine run");
    } catch (const base::Error& error) {
      got = error.hint();
    }
    CHECK(got == hint);
  }
}
