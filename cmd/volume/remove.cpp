#include <memory>
#include <optional>

#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/volume/names.hpp"
#include "engine/volumes.hpp"

namespace cmd {
namespace {

struct RemoveWords {
  VolumeChoice choice;
  bool force = false;
  std::optional<unsigned> timeout_seconds;
};

/// A missing volume is no error with --force, nor with --all, where somebody else was faster.
void remove_one(engine::Engine& engine, const std::string& typed, const RemoveWords& words) {
  try {
    const std::string name = engine::find_volume_name(engine, typed);
    engine::remove_volume(engine, name, words.force);
    print_line(typed);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found || (!words.force && !words.choice.all)) throw;
  }
}

}  // namespace

Action declare_volume_rm(OptionTable& table) {
  const auto words = std::make_shared<RemoveWords>();
  table.flag("force", 'f', words->force, "Remove containers that use it as well; a missing volume is no error");
  table.number("time", 't', "SECONDS", &words->timeout_seconds,
               "With --force, how long containers may take to stop; they are killed at once");
  declare_volume_words(table, words->choice, true);
  return [words](Invocation& invocation) {
    const auto remove = [&](const std::string& name) { remove_one(invocation.engine(), name, *words); };
    return for_each_name(chosen_volumes(invocation, words->choice), remove, removal_exit_code_of);
  };
}

Action declare_volume_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("VOLUME", *name, "Its name").completes = Completes::volumes;
  return [name](Invocation& invocation) { return engine::volume_exists(invocation.engine(), *name) ? 0 : 1; };
}

}  // namespace cmd
