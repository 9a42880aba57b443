#include "cmd/volume/names.hpp"

#include "base/error.hpp"
#include "engine/volumes.hpp"

namespace cmd {

void declare_volume_words(OptionTable& table, VolumeChoice& choice, bool takes_all) {
  if (takes_all) table.flag("all", 'a', choice.all, "Take every volume");
  table.words("VOLUME", choice.names, takes_all ? 0 : 1, "Names, or the beginning of one").completes =
      Completes::volumes;
}

std::vector<std::string> chosen_volumes(Invocation& invocation, const VolumeChoice& choice) {
  if (choice.all == !choice.names.empty()) {
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(invocation.command_path),
                           choice.all ? " takes either names or --all" : " needs at least one VOLUME, or --all")
        .with_hint(base::concat("see ", invocation.command_path, " --help"));
  }
  if (!choice.all) return choice.names;
  std::vector<std::string> names;
  for (const engine::VolumeSummary& volume : engine::volumes(invocation.engine(), {})) names.push_back(volume.name);
  return names;
}

}  // namespace cmd
