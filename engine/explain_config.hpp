#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config_files.hpp"

// Which file decides what: containers.conf, storage.conf, registries.conf and engine.conf, with everything that was
// looked at on the way.

namespace engine {

struct ExplainedFile {
  ConsideredFile file;
  std::optional<std::string> value;  ///< Of the key, as TOML writes it.
  bool wins = false;
};

struct ExplainedKey {
  std::string configuration;         ///< "containers", "storage", "registries", "engine"
  std::string key;                   ///< "engine.retry"
  std::string value;                 ///< What counts; the default when no file has it. Empty: nothing.
  std::string winner;                ///< The file; "default"
  std::vector<ExplainedFile> files;  ///< Lowest priority first.
  std::vector<std::string> notes;
};

/// @param key  "engine.retry", or with the configuration in front where two have it: "containers:engine.retry". The
///             last word alone is enough when it is the only one ("retry").
/// @throws Error invalid_argument, for a key that nobody here follows.
ExplainedKey explain_config(const rootless::HostFacts& host, std::string_view key);

/// Every key that is followed, explained.
std::vector<ExplainedKey> explain_all_config(const rootless::HostFacts& host);

}  // namespace engine
