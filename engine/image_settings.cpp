#include "engine/image_settings.hpp"

#include <cstdint>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "engine/config_files.hpp"
#include "engine/toml_file.hpp"

namespace engine {
namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;
constexpr std::int64_t max_parallel_copies = 64, max_compression_level = 22;

base::Error wrong(const std::string& file, std::string_view key, std::string_view what) {
  return base::make_error(base::ErrorKind::invalid_argument, file, ": ", key, " is not ", what);
}

std::string checked_policy(const std::string& policy, const std::string& file) {
  for (const char* known : {"always", "missing", "newer", "never"})
    if (policy == known) return policy;
  throw wrong(file, "pull_policy", "one of always, missing, newer, never");
}

void apply(ImageSettings& settings, const TomlFile& toml, const std::string& file) {
  if (const auto policy = toml.string("engine.pull_policy"); policy && !policy->empty())
    settings.pull_policy = checked_policy(*policy, file);
  if (const auto copies = toml.integer("engine.image_parallel_copies"); copies && *copies != 0) {
    if (*copies < 0 || *copies > max_parallel_copies)
      throw wrong(file, "image_parallel_copies", "a number from 0 to 64");
    settings.parallel_copies = static_cast<std::size_t>(*copies);
  }
  if (const auto level = toml.integer("engine.compression_level")) {
    if (*level < 0 || *level > max_compression_level) throw wrong(file, "compression_level", "a number from 0 to 22");
    settings.compression_level = static_cast<unsigned>(*level);
  }
  if (const auto transport = toml.string("engine.image_default_transport"))
    settings.default_transport = *transport == "docker://" ? "" : *transport;
}

}  // namespace

ImageSettings load_image_settings(const rootless::HostFacts& host) {
  ImageSettings settings;
  for (const std::string& file : find_config_files_by_environment("containers", config_folders(host))) {
    const auto text = base::try_read_host_file(file, max_file_bytes);
    if (text &&
        mentions(*text, {"pull_policy", "image_parallel_copies", "compression_level", "image_default_transport"}))
      apply(settings, TomlFile::parse(*text, file), file);
  }
  return settings;
}

}  // namespace engine
