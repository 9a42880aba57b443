#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/oci_runtime.hpp"
#include "cmd/transfer_verbs.hpp"
#include "engine/health.hpp"
#include "engine/late_layers.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/network.hpp"
#include "engine/restart_policy.hpp"
#include "engine/verbs.hpp"

// Commands that our own processes execute, and the OCI command line, which has a parser of its own.

namespace cmd {

Action declare_cleanup(OptionTable& table) {
  const auto id = std::make_shared<std::string>();
  table.word("ID", *id, "Full id of the container");
  return [id](Invocation& invocation) { return engine::cleanup(invocation.engine(), *id); };
}

Action declare_inside(OptionTable& table) {
  const auto words = std::make_shared<std::vector<std::string>>();
  table.set_words_mode(WordsMode::raw);
  table.words("WORD", *words, 1, "A verb and what it works on");
  return [words](Invocation& invocation) {
    if (words->front() == "mount-proc") return engine::mount_proc_inside();  // nobody there whose store could be found
    ::umask(invocation.program.callers_umask);  // the calling engine has set the one that is right
    return engine::inside(invocation.engine(), *words);
  };
}

Action declare_due_check(OptionTable& table) {
  const auto id = std::make_shared<std::string>();
  table.word("ID", *id, "Full id of the container");
  return [id](Invocation& invocation) { return engine::run_due_check(invocation.engine(), *id); };
}

Action declare_restart_ended(OptionTable& table) {
  const auto id = std::make_shared<std::string>();
  table.word("ID", *id, "Full id of the container");
  return [id](Invocation& invocation) { return engine::restart_ended(invocation.engine(), *id); };
}

Action declare_late_layers(OptionTable& table) {
  const auto words = std::make_shared<std::vector<std::string>>();
  table.set_words_mode(WordsMode::raw);
  table.words("WORD", *words, 3, "Stage, id variant, id map and layers");
  return [words](Invocation& invocation) { return engine::late_layers(invocation.engine(), *words); };
}

Action declare_fetch(OptionTable& table) {
  const auto url = std::make_shared<std::string>();
  table.word("URL", *url, "What to fetch");
  return [url](Invocation& invocation) { return invocation.program.transfer->fetch(invocation.engine(), *url); };
}

Action declare_read_archive(OptionTable&) {
  return [](Invocation& invocation) { return invocation.program.transfer->read_archive(invocation.engine()); };
}

Action declare_network_child(OptionTable& table) {
  const auto words = std::make_shared<std::vector<std::string>>();
  table.set_words_mode(WordsMode::raw);
  table.words("WORD", *words, 1, "watch, hold, or datagrams and where they arrive");
  return [words](Invocation&) { return engine::network_child(*words); };
}

Action declare_unpack(OptionTable&) {
  return [](Invocation& invocation) { return invocation.program.transfer->unpack_child(invocation.engine()); };
}

Action declare_runtime(OptionTable& table) {
  const auto words = std::make_shared<std::vector<std::string>>();
  table.set_words_mode(WordsMode::raw);
  table.words("WORD", *words, 0, "Options and command of the OCI runtime command line");
  return [words](Invocation&) { return oci_runtime_main(*words); };
}

}  // namespace cmd
