#include "engine/image_changes.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/duration.hpp"

namespace engine {
namespace {

using Map = std::vector<std::pair<std::string, std::string>>;

constexpr std::uint64_t max_port = 65535;

base::Error invalid(std::string_view instruction, std::string_view problem) {
  return base::make_error(base::ErrorKind::invalid_argument, "invalid change ", base::quoted(instruction), ": ",
                          problem);
}

/// "KEY VALUE", else "KEY=VALUE". KEY in upper case.
std::pair<std::string, std::string> split_instruction(std::string_view instruction) {
  const std::string_view text = base::trim(instruction);
  auto parts = base::split_once(text, ' ');
  if (!parts) parts = base::split_once(text, '=');
  if (!parts) throw invalid(instruction, "it must be formatted as KEY VALUE");
  std::string key{parts->first};
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::string_view value = base::trim(parts->second);
  if (value.empty()) throw invalid(instruction, "it has no value");
  return {std::move(key), std::string{value}};
}

std::optional<std::vector<std::string>> json_list(std::string_view value) {
  if (value.front() != '[') return std::nullopt;
  try {
    return base::JsonAt::parse(value, "the list").strings();
  } catch (const base::Error&) {  // then it is a command that begins with a bracket, like test(1)
    return std::nullopt;
  }
}

std::vector<std::string> command_of(std::string_view value) {
  if (auto list = json_list(value)) return std::move(*list);
  return {"/bin/sh", "-c", std::string{value}};
}

/// Words at blanks; quotes keep them together and go away, a backslash takes the next byte as it is.
std::vector<std::string> quoted_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool has_word = false;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte == '\\' && quote != '\'' && at + 1 < text.size()) {
      word += text[++at];
      has_word = true;
    } else if (quote == 0 && (byte == '"' || byte == '\'')) {
      quote = byte;
      has_word = true;
    } else if (quote != 0 && byte == quote) {
      quote = 0;
    } else if (quote == 0 && (byte == ' ' || byte == '\t')) {
      if (has_word) words.push_back(std::move(word));
      word.clear();
      has_word = false;
    } else {
      word += byte;
      has_word = true;
    }
  }
  if (has_word) words.push_back(std::move(word));
  return words;
}

void put(Map& map, std::string key, std::string value) {
  const auto known = std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.first == key; });
  if (known != map.end())
    known->second = std::move(value);
  else
    map.emplace_back(std::move(key), std::move(value));
}

/// "A=1 B=2", or in the old form "A one two".
void put_all(Map& map, std::string_view value, std::string_view instruction) {
  const std::vector<std::string> words = quoted_words(value);
  const bool are_pairs = std::all_of(words.begin(), words.end(), [](const std::string& word) {
    return word.find('=') != std::string::npos && word.front() != '=';
  });
  if (are_pairs) {
    for (const std::string& word : words) {
      const std::size_t equals = word.find('=');
      put(map, word.substr(0, equals), word.substr(equals + 1));
    }
    return;
  }
  const std::size_t end = value.find_first_of("= ");
  if (end == std::string_view::npos || end == 0) throw invalid(instruction, "it must be KEY=VALUE");
  put(map, std::string{value.substr(0, end)}, std::string{base::trim(value.substr(end + 1))});
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// "--interval=5s": the name that the config has for it, and nanoseconds; or a number of retries.
void write_health_option(base::JsonWriter& json, std::string_view option, std::string_view instruction) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {{"--interval", "Interval"},
                                                                     {"--timeout", "Timeout"},
                                                                     {"--start-period", "StartPeriod"},
                                                                     {"--start-interval", "StartInterval"}};
  const auto pair = base::split_once(option, '=');
  if (!pair) throw invalid(instruction, base::concat(base::quoted(option), " is not OPTION=VALUE"));
  if (const auto retries = base::parse_unsigned(pair->second); retries && pair->first == "--retries") {
    json.member("Retries", *retries);
    return;
  }
  for (const auto& [name, member] : names) {
    const auto duration = pair->first == name ? parse_duration(pair->second) : std::nullopt;
    if (!duration) continue;
    json.member(member, std::chrono::nanoseconds{*duration}.count());
    return;
  }
  throw invalid(instruction, base::concat(base::quoted(option), " is no option of HEALTHCHECK"));
}

/// "NONE", or "[OPTION…] CMD command": a JSON list of words, or a line for the shell.
std::string health_object(std::string_view value, std::string_view instruction) {
  base::JsonWriter json;
  json.begin_object();
  std::string_view rest = base::trim(value);
  while (rest.starts_with("--")) {
    const std::string_view option = rest.substr(0, rest.find(' '));
    write_health_option(json, option, instruction);
    rest = base::trim(rest.substr(option.size()));
  }
  std::vector<std::string> test;
  const auto pair = base::split_once(rest, ' ');
  if (base::to_lower(rest) == "none") {
    test = {"NONE"};
  } else if (pair && base::to_lower(pair->first) == "cmd") {
    const std::string command{base::trim(pair->second)};
    test = json_list(command).value_or(std::vector<std::string>{command});
    test.insert(test.begin(), json_list(command) ? "CMD" : "CMD-SHELL");
  } else {
    throw invalid(instruction, "it must be NONE, or CMD and a command");
  }
  json.member("Test", test).end_object();
  return json.take();
}

/// As keys of an object without values.
void write_set(base::JsonWriter& json, std::string_view name, const std::vector<std::string>& keys) {
  if (keys.empty()) return;
  json.key(name).begin_object();
  for (const std::string& key : keys) json.key(key).begin_object().end_object();
  json.end_object();
}

}  // namespace

ImageChanges::ImageChanges(const ChangeableSettings& settings)
    : user_(settings.user),
      ports_(settings.ports),
      entrypoint_(settings.entrypoint),
      command_(settings.command),
      work_dir_(settings.work_dir),
      stop_signal_(settings.stop_signal) {
  for (const std::string& variable : settings.env)
    if (const auto parts = base::split_once(variable, '='))
      put(env_, std::string{parts->first}, std::string{parts->second});
  for (const auto& [name, value] : settings.labels) put(labels_, name, value);
  for (const std::string& volume : settings.volumes) add_once(volumes_, volume);
}

void ImageChanges::add_ports(std::string_view value) {
  for (const std::string_view word : base::split(value, ' ')) {
    if (word.empty()) continue;
    const auto parts = base::split_once(word, '/');
    const std::string_view port = parts ? parts->first : word;
    const std::string protocol = parts ? base::to_lower(parts->second) : "tcp";
    const auto number = base::parse_unsigned(port);
    if (!number || *number == 0 || *number > max_port)
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(word), " is no port");
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(word), " has no protocol that is known");
    add_once(ports_, base::concat(*number, "/", protocol));
  }
}

void ImageChanges::apply(std::string_view instruction) {
  const auto [key, value] = split_instruction(instruction);
  if (key == "USER") {
    user_ = value;
  } else if (key == "EXPOSE") {
    base::with_context([&, &value = value] { add_ports(value); }, "invalid change ", base::quoted(instruction));
  } else if (key == "ENV") {
    put_all(env_, value, instruction);
  } else if (key == "LABEL") {
    put_all(labels_, value, instruction);
  } else if (key == "ENTRYPOINT") {
    entrypoint_ = command_of(value);
  } else if (key == "CMD") {
    command_ = command_of(value);
  } else if (key == "VOLUME") {
    for (std::string& volume : json_list(value).value_or(std::vector<std::string>{value}))
      add_once(volumes_, std::move(volume));
  } else if (key == "WORKDIR") {
    work_dir_ = value;
  } else if (key == "STOPSIGNAL") {
    stop_signal_ = value;
  } else if (key == "HEALTHCHECK") {
    health_ = health_object(value, instruction);
  } else if (key == "ONBUILD") {
    triggers_.push_back(value);
  } else {
    throw invalid(instruction, base::concat("invalid instruction ", key));
  }
}

void ImageChanges::write(base::JsonWriter& json) const {
  json.begin_object();
  write_members(json);
  json.end_object();
}

void ImageChanges::write_members(base::JsonWriter& json) const {
  if (!user_.empty()) json.member("User", user_);
  write_set(json, "ExposedPorts", ports_);
  std::vector<std::string> variables;
  for (const auto& [name, value] : env_) variables.push_back(base::concat(name, "=", value));
  if (!variables.empty()) json.member("Env", variables);
  if (!entrypoint_.empty()) json.member("Entrypoint", entrypoint_);
  if (!command_.empty()) json.member("Cmd", command_);
  write_set(json, "Volumes", volumes_);
  if (!work_dir_.empty()) json.member("WorkingDir", work_dir_);
  if (!labels_.empty()) json.member("Labels", labels_);
  if (!stop_signal_.empty()) json.member("StopSignal", stop_signal_);
  if (!health_.empty()) json.key("Healthcheck").raw(health_);
  if (!triggers_.empty()) json.member("OnBuild", triggers_);
}

}  // namespace engine
