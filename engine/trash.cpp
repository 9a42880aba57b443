#include "engine/trash.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/inside.hpp"
#include "rootless/user_namespace.hpp"
#include "storage/staging.hpp"

namespace engine {

void empty_trash(Engine& engine) {
  if (storage::empty_trash(engine.store())) return;
  if (engine.host.id_map.single) return;  // there is no other id that could own what is left
  try {
    if (!engine.last_user_namespace) return run_inside(engine, {"empty-trash"});
    rootless::enter_user_namespace(engine.last_user_namespace.get());
    storage::empty_trash(engine.store());  // what other containers left is for commands that have their ids
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, "leaving deleted files in the store's trash for now: ", error.message());
  }
}

}  // namespace engine
