#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/progress.hpp"
#include "engine/config.hpp"
#include "rootless/early_user_namespace.hpp"
#include "rootless/host_facts.hpp"
#include "storage/store.hpp"

namespace engine {

struct NamespaceChoice;

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

  /// The user namespace of a container that has ended, when all that this process still has to do is to remove it:
  /// files of its ids are removed in there, which saves making another one. Else empty.
  base::UniqueFd last_user_namespace;
  /// For the first container that this command starts, if it is to have just that one; reset once its init is there.
  std::optional<rootless::EarlyUserNamespace> early_user_namespace;
  /// Of find_namespaces, once it was asked.
  std::shared_ptr<const NamespaceChoice> namespaces;

 private:
  std::optional<storage::Store> store_;
  std::string variant_;
};

/// Absolute path of one of our own executables ("engine", "engine-transfer"), found relative to /proc/self/exe
/// (ARCHITECTURE.md 8.13). @throws Error unsupported, "this command needs engine-transfer".
std::string path_of_own_program(const std::string& name);

/// What a process of ours executes to do its work: the running file itself where it is the one, though an upgrade may
/// have replaced it meanwhile. The other one lies at its path, and is told our build. @throws as above.
std::string own_program(const std::string& name);

/// The global options that make another engine work on the same store.
std::vector<std::string> same_store_options(const Engine& engine);
/// These, and those that make it do so as this one: for our own later processes, whatever their build.
std::vector<std::string> same_settings_options(const Engine& engine);
/// These, and the build that it must be of.
std::vector<std::string> same_build_options(const Engine& engine);

}  // namespace engine
