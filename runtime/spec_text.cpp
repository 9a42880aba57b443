#include "runtime/spec_text.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace runtime {

std::string absolute_path_of(const base::JsonAt& json) {
  std::string path = json.string();
  if (!path.starts_with('/')) throw json.error(base::concat("is ", base::quoted(path), ", not an absolute path"));
  if (path.size() >= max_path_bytes) throw json.error("is too long for a path");
  return path;
}

std::vector<std::string> absolute_paths_of(const base::JsonAt& json) {
  std::vector<std::string> paths;
  for (const base::JsonAt& element : json.array()) paths.push_back(absolute_path_of(element));
  return paths;
}

std::uint32_t id_of(const base::JsonAt& json) {
  const std::uint64_t id = json.unsigned_integer();
  if (id >= UINT32_MAX) throw json.error("is not an id between 0 and 4294967294");
  return static_cast<std::uint32_t>(id);
}

std::uint32_t number_of(const base::JsonAt& json) {
  const std::uint64_t number = json.unsigned_integer();
  if (number > UINT32_MAX) throw json.error("is larger than 4294967295");
  return static_cast<std::uint32_t>(number);
}

void require_object(const base::JsonAt& json) {
  if (!json.is_object()) throw json.error("is not an object");
}

void check_words(const base::JsonAt& json, const std::function<void()>& check) {
  try {
    check();
  } catch (const base::Error& error) {
    throw json.error(base::concat("is refused: ", error.message()));
  }
}

bool has_dot_dot(std::string_view path) {
  for (const std::string_view component : base::split(path, '/'))
    if (component == "..") return true;
  return false;
}

}  // namespace runtime
