#include "engine/quadlet_draft.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/unit_words.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

/// "--env=A=1"; of "security-opt=seccomp=" "--security-opt=seccomp=VALUE".
std::string option_with(std::string_view option, std::string_view value) {
  return concat("--", option, option.ends_with('=') || option.ends_with(':') ? "" : "=", value);
}

std::vector<std::string> words_of(const UnitLine& line) {
  return at_line(line, [&] { return split_unit_words(line.value); });
}

/// Words NAME=VALUE and NAME; a later one takes the place of an earlier one with its name.
std::vector<std::string> assignments_of(const std::vector<const UnitLine*>& lines) {
  std::vector<std::string> result;
  const auto name_of = [](std::string_view word) { return word.substr(0, word.find('=')); };
  for (const UnitLine* line : lines)
    for (std::string& word : words_of(*line)) {
      const auto earlier = std::find_if(result.begin(), result.end(),
                                        [&](const std::string& other) { return name_of(other) == name_of(word); });
      if (earlier != result.end())
        *earlier = std::move(word);
      else
        result.push_back(std::move(word));
    }
  return result;
}

bool boolean_of(const UnitLine& line) {
  const UnitBoolean value = parse_unit_boolean(line.value);
  if (value == UnitBoolean::neither)
    throw make_error(ErrorKind::invalid_argument, place_of(line), ": ", line.key, "= is yes or no, not ",
                     base::quoted(line.value));
  return value == UnitBoolean::yes;
}

}  // namespace

bool QuadletDraft::boolean(std::string_view key, bool otherwise) const {
  const UnitLine* line = unit.file.last_line(unit.format->section, key);
  return line == nullptr || line->value.empty() ? otherwise : boolean_of(*line);
}

const QuadletUnit& QuadletDraft::require(const UnitLine& line, const std::string& file_name) {
  const auto found = units.find(file_name);
  if (found == units.end())
    throw make_error(ErrorKind::invalid_argument, place_of(line), ": ", line.key, "=: there is no file ",
                     base::quoted(file_name));
  const std::string needed = found->second.service_name() + ".service";
  add("Unit", "Requires", needed);
  add("Unit", "After", needed);
  return found->second;
}

std::string QuadletDraft::absolute(const std::string& path) const {
  if (path.starts_with('/') || path.starts_with('%')) return path;
  std::string_view rest = path;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  const std::string folder = unit.path.substr(0, unit.path.rfind('/'));
  return rest == "." || rest.empty() ? folder : concat(folder, '/', rest);
}

void QuadletDraft::append_key(const QuadletKey& key, std::vector<std::string>& words) const {
  const auto lines = all(key.name);
  const UnitLine* last_one = unit.file.last_line(unit.format->section, key.name);
  if (last_one == nullptr) return;
  switch (key.meaning) {
    case KeyMeaning::last:
      if (!last_one->value.empty()) words.push_back(option_with(key.option, last_one->value));
      break;
    case KeyMeaning::last_or_set:
      words.push_back(option_with(key.option, last_one->value));
      break;
    case KeyMeaning::each:
      for (const UnitLine* line : lines) words.push_back(option_with(key.option, line->value));
      break;
    case KeyMeaning::path:
      for (const UnitLine* line : lines) words.push_back(option_with(key.option, absolute(line->value)));
      break;
    case KeyMeaning::words:
      for (const UnitLine* line : lines)
        for (const std::string& word : words_of(*line)) words.push_back(option_with(key.option, word));
      break;
    case KeyMeaning::assignments:
      for (const std::string& word : assignments_of(lines)) words.push_back(option_with(key.option, word));
      break;
    case KeyMeaning::boolean:
      if (!last_one->value.empty()) words.push_back(concat("--", key.option, boolean_of(*last_one) ? "" : "=false"));
      break;
    case KeyMeaning::if_true:
      if (!last_one->value.empty() && boolean_of(*last_one)) words.push_back(concat("--", key.option));
      break;
    case KeyMeaning::arguments:
    case KeyMeaning::global:
    case KeyMeaning::global_words:
    case KeyMeaning::special:
      break;
  }
}

std::vector<std::string> QuadletDraft::options() const {
  std::vector<std::string> words;
  for (const QuadletKey& key : unit.format->keys) append_key(key, words);
  return words;
}

std::vector<std::string> QuadletDraft::arguments() const {
  std::vector<std::string> result;
  for (const UnitLine* line : all("PodmanArgs"))
    for (std::string& word : words_of(*line)) result.push_back(std::move(word));
  return result;
}

std::vector<std::string> QuadletDraft::command(std::vector<std::string> words) const {
  std::vector<std::string> result{around.program};
  for (const UnitLine* line : all("ContainersConfModule")) result.push_back(option_with("module", line->value));
  for (const UnitLine* line : all("GlobalArgs"))
    for (std::string& word : words_of(*line)) result.push_back(std::move(word));
  result.insert(result.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  return result;
}

void QuadletDraft::add_command(std::string key, const std::vector<std::string>& words, std::string_view prefix) {
  add("Service", std::move(key), concat(prefix, join_unit_words(command(words))));
}

void QuadletDraft::append_volumes(std::vector<std::string>& words) {
  for (const UnitLine* line : all("Volume")) {
    const auto parts = base::split_once(line->value, ':');
    if (!parts) {
      words.push_back(concat("--volume=", line->value));
      continue;
    }
    std::string source{parts->first};
    if (source.ends_with(".volume"))
      source = require(*line, source).resource_name();
    else if (source.starts_with('.'))
      source = absolute(source);
    if (source.starts_with('/')) add("Unit", "RequiresMountsFor", quote_unit_word(source));
    words.push_back(concat("--volume=", source, ':', parts->second));
  }
}

void QuadletDraft::append_networks(std::vector<std::string>& words, bool with_containers) {
  for (const UnitLine* line : all("Network")) {
    const auto parts = base::split_once(line->value, ':');
    const std::string name{parts ? parts->first : std::string_view{line->value}};
    const std::string rest = parts ? concat(':', parts->second) : "";
    std::string value = line->value;
    if (name.ends_with(".network")) value = concat(require(*line, name).resource_name(), rest);
    if (name.ends_with(".container") && with_containers)
      value = concat("container:", require(*line, name).resource_name());
    words.push_back(concat("--network=", value));
  }
}

std::string QuadletDraft::image(const UnitLine& line) {
  if (line.value.ends_with(".image") || line.value.ends_with(".build"))
    return require(line, line.value).resource_name();
  return line.value;
}

void QuadletDraft::set_oneshot() {
  service.add_default("Service", "Type", "oneshot");
  service.add_default("Service", "RemainAfterExit", "yes");
  service.add_default("Service", "SyslogIdentifier", "%N");
}

}  // namespace engine
