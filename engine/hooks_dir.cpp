#include "engine/hooks_dir.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <regex>
#include <system_error>
#include <unistd.h>

#include "base/error.hpp"
#include "base/host_file.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::quoted;

constexpr std::size_t max_file_bytes = 1024 * 1024;
constexpr std::size_t max_text_bytes = 4096;  // as the longest path

constexpr auto syntax = std::regex::ECMAScript | std::regex::nosubs;
#ifdef __GLIBCXX__
// Its usual way to search calls itself for each byte, and may take time without end: the image chooses the bytes.
constexpr auto pattern_flags = syntax | std::regex_constants::__polynomial;
#else
constexpr auto pattern_flags = syntax;
#endif

bool matches(const std::string& text, const std::string& pattern, const base::JsonAt& at) {
  if (text.size() > max_text_bytes)
    throw at.error(concat("cannot be tried on a text of more than ", max_text_bytes, " bytes"));
  try {
    return std::regex_search(text, std::regex{pattern, pattern_flags});
  } catch (const std::regex_error&) {
    throw at.error("is not a pattern");
  }
}

bool has_annotation(const HookSubject& subject, const std::string& key, const std::string& value,
                    const base::JsonAt& at) {
  return std::any_of(subject.annotations.begin(), subject.annotations.end(),
                     [&](const auto& one) { return matches(one.first, key, at) && matches(one.second, value, at); });
}

bool is_command(const HookSubject& subject, const base::JsonAt& patterns) {
  const std::vector<std::string> texts = patterns.strings();
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return matches(subject.command, text, patterns); });
}

/// All conditions that are there must hold, and there must be one.
bool is_meant(const base::JsonAt& when, const HookSubject& subject) {
  unsigned conditions = 0;
  if (const auto always = when.find("always")) {
    if (!always->boolean()) return false;
    ++conditions;
  }
  if (const auto binds = when.find("hasBindMounts")) {
    if (!binds->boolean() || !subject.has_volumes) return false;
    ++conditions;
  }
  if (const auto annotations = when.find("annotations"))
    for (const auto& [key, value] : annotations->string_map()) {
      if (!has_annotation(subject, key, value, *annotations)) return false;
      ++conditions;
    }
  if (const auto commands = when.find("commands")) {
    if (!is_command(subject, *commands)) return false;
    ++conditions;
  }
  return conditions > 0;
}

void add_file(const std::string& path, const HookSubject& subject, runtime::Hooks& hooks) {
  const auto text = base::try_read_host_file(path, max_file_bytes);
  if (!text) return;  // gone meanwhile
  const base::JsonAt json = base::JsonAt::parse(*text, concat("hook file ", quoted(path)));
  if (json.at("version").string() != "1.0.0")
    throw json.at("version").error("is not 1.0.0, the only one that is known");
  if (!is_meant(json.at("when"), subject)) return;
  const runtime::Hook hook = parse_hook(json.at("hook"));
  if (::access(hook.path.c_str(), X_OK) != 0)
    throw base::os_error("hook file ", quoted(path), ": program ", quoted(hook.path));
  for (const std::string& moment : json.at("stages").strings()) {
    std::vector<runtime::Hook>* list = hooks_at(hooks, moment);
    if (list == nullptr) throw json.at("stages").error("has a stage that does not exist");
    list->push_back(hook);
  }
}

}  // namespace

runtime::Hook parse_hook(const base::JsonAt& json) {
  runtime::Hook hook{.path = json.at("path").string(),
                     .args = json.strings_or_empty("args"),
                     .env = json.strings_or_empty("env"),
                     .timeout_seconds = {},
                     .stdout_file = {},
                     .stderr_file = {}};
  if (!hook.path.starts_with('/')) throw json.at("path").error("is not an absolute path");
  if (const auto timeout = json.find("timeout"))
    hook.timeout_seconds = static_cast<unsigned>(std::min<std::uint64_t>(timeout->unsigned_integer(), UINT32_MAX));
  return hook;
}

std::vector<runtime::Hook>* hooks_at(runtime::Hooks& hooks, std::string_view moment) {
  const std::array<std::pair<std::string_view, std::vector<runtime::Hook>*>, 6> lists{{
      {"prestart", &hooks.prestart},
      {"createRuntime", &hooks.create_runtime},
      {"createContainer", &hooks.create_container},
      {"startContainer", &hooks.start_container},
      {"poststart", &hooks.poststart},
      {"poststop", &hooks.poststop},
  }};
  const auto found = std::find_if(lists.begin(), lists.end(), [&](const auto& one) { return one.first == moment; });
  return found == lists.end() ? nullptr : found->second;
}

void add_hooks_of_folders(const std::vector<std::string>& folders, const HookSubject& subject, runtime::Hooks& hooks) {
  std::map<std::string, std::string> files;
  for (const std::string& folder : folders) {
    std::error_code absent;
    for (std::filesystem::directory_iterator entry{folder, absent}, end; !absent && entry != end;
         entry.increment(absent)) {
      const std::filesystem::path& path = entry->path();
      if (path.extension() == ".json") files[path.filename().string()] = path.string();
    }
  }
  for (const auto& [name, path] : files) add_file(path, subject, hooks);
}

}  // namespace engine
