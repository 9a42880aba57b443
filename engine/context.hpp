#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/progress.hpp"
#include "engine/config.hpp"
#include "rootless/host_facts.hpp"
#include "storage/store.hpp"

namespace engine {

/// What every verb needs; made once by cmd/main, passed by reference, never global.
class Engine {
 public:
  Engine(Config merged_config, rootless::HostFacts host_facts, base::Progress& reports_to)
      : config(std::move(merged_config)), host(std::move(host_facts)), progress(reports_to) {}
  const Config config;
  const rootless::HostFacts host;
  base::Progress& progress;

  /// Opened at first use, so that --help and version touch no disk.
  const storage::Store& store();
  /// Id variant of unpacked layers under this caller's map.
  const std::string& variant();

 private:
  std::optional<storage::Store> store_;
  std::string variant_;
};

/// Absolute path of one of our own executables ("engine", "engine-transfer"), found relative to /proc/self/exe
/// (ARCHITECTURE.md 8.13). @throws Error unsupported, "this command needs engine-transfer".
std::string own_program(const std::string& name);

}  // namespace engine
