#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/lock.hpp"
#include "storage/containers.hpp"
#include "storage/store.hpp"

namespace storage {

/// What is known of a secret; its bytes are asked for one by one, so that no list has them in memory.
struct Secret {
  std::string id;  ///< 25 hexadecimal digits, as podman's.
  std::string name;
  std::string created, updated;  ///< RFC 3339.
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> driver_options;
};

namespace layout {
/// One file per secret, a line of JSON and then its bytes; made when it is first needed.
inline constexpr const char* secrets_folder = "secrets";
std::string secret(std::string_view name);
}  // namespace layout

inline constexpr std::size_t max_secret_bytes = 512000;  ///< One less is the most, as with podman.

/// Letters, digits, '-', '_' and '.', of which the last three neither first nor last; at most 64. Source: podman 4.3.
bool is_secret_name(std::string_view name);

/// Publishes it under its name, whole or not at all, also after power loss.
/// @param replace  One of that name, whose id and date of creation the new one gets.
/// @return  False when there is one, and it is not to be replaced.
bool create_secret(const Store& store, Secret secret, std::string_view data, bool replace);
/// By name, id, or the beginning of an id. @throws Error invalid_argument, when that is several.
std::optional<Secret> find_secret(const Store& store, const std::string& text);
/// Sorted by name. Damaged ones are warned of and left out.
std::vector<Secret> list_secrets(const Store& store);
/// The names of the files that there are, and one of them. @throws Error corrupt. Nothing: removed meanwhile.
std::vector<std::string> secret_files(const Store& store);
std::optional<Secret> read_secret_file(const Store& store, const std::string& file);
/// @throws Error not_found, corrupt.
std::string read_secret_data(const Store& store, const Secret& secret);
/// False when somebody else was faster.
bool remove_secret(const Store& store, const Secret& secret);

/// A secret as a container has it: its bytes are copied when the container is made.
struct ContainerSecret {
  std::string name;
  std::string id;
  std::string target;  ///< Path in the container, or the variable.
  bool is_variable = false;
  std::uint32_t uid = 0, gid = 0;
  mode_t mode = 0444;
};

/// Copies them into the container's folder.
void write_container_secrets(const Store& store, const ContainerDir& container,
                             const std::vector<ContainerSecret>& secrets);
std::vector<ContainerSecret> read_container_secrets(const ContainerDir& container);
/// @param index  Into what read_container_secrets returned.
std::string read_container_secret_data(const ContainerDir& container, std::size_t index);

}  // namespace storage
