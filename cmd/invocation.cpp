#include "cmd/invocation.hpp"

#include <utility>

#include "engine/mode.hpp"

namespace cmd {

engine::Engine& Invocation::engine() {
  if (!engine_) {
    if (!progress_) progress_ = std::make_unique<base::NoProgress>();
    rootless::HostFacts host = rootless::look_at_host();
    std::optional<rootless::EarlyUserNamespace> early;
    if (expects_start_) early = rootless::EarlyUserNamespace::begin(host);
    engine::Config config = engine::load_config(globals, host);
    engine::find_configured_helpers(host, config);
    engine::force_single_id(host, config);
    engine::leave_read_only_place(config, globals, host);
    engine_.emplace(std::move(config), std::move(host), *progress_);
    engine_->early_user_namespace = std::move(early);
  }
  return *engine_;
}

}  // namespace cmd
