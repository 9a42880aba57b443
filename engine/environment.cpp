#include "engine/environment.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

void Environment::set(std::string_view name, std::string_view value) {
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const auto& pair) { return pair.first == name; });
  if (found != values_.end())
    found->second = value;
  else
    values_.emplace_back(name, value);
}

void Environment::unset(std::string_view name) {
  std::erase_if(values_, [&](const auto& pair) { return pair.first == name; });
}

void Environment::set_assignment(std::string_view assignment) {
  if (const auto pair = base::split_once(assignment, '=')) set(pair->first, pair->second);
}

bool Environment::has(std::string_view name) const {
  return std::any_of(values_.begin(), values_.end(), [&](const auto& pair) { return pair.first == name; });
}

std::string Environment::get(std::string_view name) const {
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const auto& pair) { return pair.first == name; });
  return found == values_.end() ? std::string{} : found->second;
}

std::vector<std::string> Environment::assignments() const {
  std::vector<std::string> result;
  result.reserve(values_.size());
  for (const auto& [name, value] : values_) result.push_back(base::concat(name, "=", value));
  return result;
}

namespace {

void copy_prefixed(Environment& environment, std::string_view prefix, const std::vector<std::string>& host) {
  for (const std::string& assignment : host) {
    const auto pair = base::split_once(assignment, '=');
    if (pair && pair->first.starts_with(prefix)) environment.set(pair->first, pair->second);
  }
}

void copy_one(Environment& environment, std::string_view name, const std::vector<std::string>& host) {
  for (const std::string& assignment : host) {
    const auto pair = base::split_once(assignment, '=');
    if (pair && pair->first == name) environment.set(pair->first, pair->second);
  }
}

}  // namespace

void apply_env_word(Environment& environment, std::string_view word, const std::vector<std::string>& host) {
  if (word.find('\0') != std::string_view::npos)
    throw make_error(ErrorKind::invalid_argument, "environment variable ", quoted(word), " contains a NUL byte")
        .with_hint("variables are text: a file of them is UTF-8 (UTF-16 has such bytes), a line each");
  const auto pair = base::split_once(word, '=');
  const std::string_view name = pair ? pair->first : word;
  if (name.empty() || name == "*")
    throw make_error(ErrorKind::invalid_argument, "environment variable ", quoted(word), " has no name");
  if (pair)
    environment.set(name, pair->second);
  else if (name.ends_with('*'))
    copy_prefixed(environment, name.substr(0, name.size() - 1), host);
  else
    copy_one(environment, name, host);
}

void apply_env_file(Environment& environment, std::string_view text, const std::string& file,
                    const std::vector<std::string>& host) {
  std::size_t number = 0;
  for (std::string_view line : base::split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view start =
        base::trim(line).empty() ? std::string_view{} : line.substr(line.find_first_not_of(" \t"));
    if (start.empty() || start.starts_with('#')) continue;
    const std::string_view name = start.substr(0, start.find('='));
    if (name.find_first_of(" \t") != std::string_view::npos)
      throw make_error(ErrorKind::invalid_argument, file, ":", number, ": variable name ", quoted(name),
                       " contains white space");
    base::with_context([&] { apply_env_word(environment, start, host); }, file, ":", number);
  }
}

}  // namespace engine
