#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace runtime {

inline constexpr std::size_t max_mounts = 10'000;
inline constexpr std::size_t max_additional_gids = 65'536;  // NGROUPS_MAX
inline constexpr std::size_t max_id_mappings = 340;         // user_namespaces(7)
inline constexpr std::size_t max_path_bytes = 4096;

/// A text that begins with '/' and fits into PATH_MAX.
std::string absolute_path_of(const base::JsonAt& json);
std::vector<std::string> absolute_paths_of(const base::JsonAt& json);
/// A user or group id: 0 to 4294967294, since the last number means "none" to the kernel.
std::uint32_t id_of(const base::JsonAt& json);
/// A number that fits into 32 bits.
std::uint32_t number_of(const base::JsonAt& json);

/// @throws Error corrupt, when it is something else.
void require_object(const base::JsonAt& json);
/// Runs a check of words that knows nothing of JSON; its Error becomes one that names the path.
void check_words(const base::JsonAt& json, const std::function<void()>& check);

/// Whether a component of `path` is "..".
bool has_dot_dot(std::string_view path);

}  // namespace runtime
