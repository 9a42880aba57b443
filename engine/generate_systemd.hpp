#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/containers.hpp"

namespace engine {

class Engine;

/// One option of the command line that made a container, as it was written: {"-e", "A=1"}.
struct CreationOption {
  std::vector<std::string> words;
  std::vector<std::string> names;  ///< Long names of all options in it: "-dit" has three.
  std::string value;               ///< Of the last of them.
};

/// The command line that made a container, taken apart.
struct Creation {
  std::vector<std::string> global_words;  ///< Between program and command.
  std::vector<std::string> command;       ///< "run", or "container" and "run"; `run` also where it was `create`.
  std::vector<CreationOption> options;
  std::vector<std::string> arguments;  ///< IMAGE and what follows.
};

struct GenerateSystemdOptions {
  bool use_name = false;
  bool create_new = false;
  bool is_template = false;
  bool header = true;
  std::optional<std::string> restart_policy;
  std::optional<unsigned> restart_seconds, start_timeout_seconds, stop_timeout_seconds;
  std::string container_prefix = "container";
  std::string separator = "-";
  std::vector<std::string> after, wants, requires_units;
  std::vector<std::string> env;  ///< "A=1", "A" (copy), "A*" (prefix copy)
};

/// What a unit is made from, besides the options.
struct UnitFacts {
  std::string program;                    ///< Absolute path of `engine`.
  std::vector<std::string> global_words;  ///< --root and its like, when this engine was called with them.
  std::string run_folder;
  std::string generated_at;  ///< For the header.
  storage::ContainerRecord record;
  Creation creation;                     ///< Only looked at with create_new.
  std::vector<std::string> environment;  ///< What -e means: "A=1".
};

struct GeneratedUnit {
  std::string name;       ///< "container-web"
  std::string file_name;  ///< "container-web.service", "container-web@.service"
  std::string text;
  std::string warning;  ///< Empty: none.
};

/// Pure: podman's unit for a container. Source: podman-generate-systemd(1), systemd.service(5).
/// @throws Error invalid_argument.
GeneratedUnit make_container_unit(const UnitFacts& facts, const GenerateSystemdOptions& options);

/// The same for a container of the store. `take_apart` knows the options of `run` and is given the words after the
/// program's name.
/// @throws Error not_found; invalid_argument, also when the container was not made by a command line.
GeneratedUnit generate_systemd(Engine& engine, const std::string& container, const GenerateSystemdOptions& options,
                               const std::vector<std::string>& global_words,
                               Creation (*take_apart)(const std::vector<std::string>& words));

}  // namespace engine
