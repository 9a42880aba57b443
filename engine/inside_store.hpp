#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/context.hpp"

// Looking at files of subordinate ids, which only the mapped user namespace may read: what layers really hold, and how
// much room things take. The child does the work (engine/inside.hpp) and sends what it finds, a message each.

namespace engine {

/// What is wrong with one unpacked layer.
struct DamagedLayer {
  std::string chain;  ///< A digest.
  std::string variant;
  std::uint64_t differences = 0;
  std::vector<std::string> first;  ///< A few of them, as text.
};

/// Compares every unpacked layer with its owner manifest.
std::vector<DamagedLayer> find_damaged_layers(Engine& engine);

/// Real blocks, in bytes, by path. Each word is a path of the store, or "folder/*" for everything in that folder.
std::map<std::string, std::uint64_t> measure_inside(Engine& engine, const std::vector<std::string>& words);

// The child's side.
using Tell = std::function<void(std::string_view)>;
void check_layers_inside(Engine& engine, const Tell& tell);
void measure_for_parent(Engine& engine, const std::vector<std::string>& words, const Tell& tell);

}  // namespace engine
