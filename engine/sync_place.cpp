#include "base/error.hpp"
#include "engine/sync.hpp"

// Read from words by every program, since the command is declared in all of them.

namespace engine {

SyncPlace parse_sync_place(std::string_view text) {
  if (text == "docker") return SyncPlace::docker;
  if (text == "dir") return SyncPlace::dir;
  if (text == "yaml") return SyncPlace::yaml;
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " is not one of docker, dir, yaml");
}

}  // namespace engine
