#include "engine/clone.hpp"

#include <deque>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/command.hpp"
#include "cmd/commands.hpp"
#include "cmd/configured_options.hpp"
#include "cmd/global_options.hpp"
#include "cmd/invocation.hpp"
#include "cmd/option_walk.hpp"
#include "cmd/options_run.hpp"
#include "cmd/output.hpp"
#include "cmd/parser.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

/// Limits that the clone may have others of, by the names that `create` has for them.
struct Limit {
  std::string_view name;
  char letter;
  std::string_view value_name, help;
};
constexpr Limit limits[] = {
    {"blkio-weight", 0, "WEIGHT", "Share of the block devices' time, 10 to 1000"},
    {"cpu-period", 0, "MICROSECONDS", "Period that --cpu-quota is of"},
    {"cpu-quota", 0, "MICROSECONDS", "CPU time in each period"},
    {"cpu-rt-period", 0, "MICROSECONDS", "Period of real-time scheduling; cgroup version 1"},
    {"cpu-rt-runtime", 0, "MICROSECONDS", "Real-time scheduling in each period; cgroup version 1"},
    {"cpu-shares", 'c', "SHARES", "Share of the CPUs' time beside others; 1024 is usual"},
    {"cpus", 0, "NUMBER", "How many CPUs' time it may take, such as 1.5"},
    {"cpuset-cpus", 0, "LIST", "CPUs that it may run on, such as 0-3,7"},
    {"cpuset-mems", 0, "LIST", "Memory nodes that it may use"},
    {"memory", 'm', "SIZE", "Most memory"},
    {"memory-reservation", 0, "SIZE", "Memory that it keeps when there is little"},
    {"memory-swap", 0, "SIZE", "Memory and swap together; -1: no limit"},
    {"memory-swappiness", 0, "PERCENT", "How readily it is swapped out; cgroup version 1"},
};

struct DeviceLimit {
  std::string_view name, value_name, help;
};
constexpr DeviceLimit device_limits[] = {
    {"blkio-weight-device", "DEVICE:WEIGHT", "The share of one device's time"},
    {"device-read-bps", "DEVICE:SIZE", "Most bytes a second that are read from a device"},
    {"device-write-bps", "DEVICE:SIZE", "Most bytes a second that are written to a device"},
};

struct CloneWords {
  std::string container, name, image, named;
  bool destroy = false, force = false, run = false;
  std::deque<std::optional<std::string>> limits;
  std::deque<std::vector<std::string>> device_limits;
};

/// What belongs to the one container that it was said of.
bool is_its_own(std::string_view option) {
  return option == "name" || option == "cidfile" || option == "replace" || option == "quiet";
}

/// The options that made a container, one word each, and the words behind them: image and arguments.
struct Creation {
  std::vector<std::string> options, words;
};

/// @param command_line  Beginning with the program's name.
Creation take_apart(const std::vector<std::string>& command_line, const OptionTable& known_to_create) {
  GlobalWords ignored;
  OptionTable global_table;
  declare_global_options(global_table, ignored);
  global_table.set_words_mode(WordsMode::first_is_last);
  const Walk front = walk_words(global_table, global_table, {command_line.begin() + 1, command_line.end()}, "engine");
  const FoundCommand found = find_command(front.words);
  const std::string_view path = found.command == nullptr ? "" : first_path(*found.command);
  if (path != "run" && path != "create")
    throw make_error(ErrorKind::unsupported, "the container was made by ", base::quoted(base::join(command_line, " ")),
                     ", which clone cannot do again");
  OptionTable table;
  const Action unused = found.command->declare(table);
  const Walk walk =
      walk_words(table, global_table,
                 {front.words.begin() + static_cast<std::ptrdiff_t>(found.word_count), front.words.end()}, found.path);
  Creation creation{.options = {}, .words = walk.words};
  for (const Given& given : walk.options)
    if (!is_its_own(given.option->name) && known_to_create.find(given.option->name) != nullptr)
      creation.options.push_back(concat("--", given.option->name, "=", given.value));
  return creation;
}

std::vector<std::string> words_of_clone(const CloneWords& words, const engine::CloneSource& source,
                                        const std::string& name, const OptionTable& table) {
  Creation creation = take_apart(source.command_line, table);
  for (std::size_t i = 0; i < words.limits.size(); ++i)
    if (words.limits[i]) creation.options.push_back(concat("--", limits[i].name, "=", *words.limits[i]));
  for (std::size_t i = 0; i < words.device_limits.size(); ++i)
    for (const std::string& value : words.device_limits[i])
      creation.options.push_back(concat("--", device_limits[i].name, "=", value));
  creation.options.push_back("--name=" + name);
  if (creation.words.empty()) throw make_error(ErrorKind::unsupported, "the container was made without an image");
  if (!words.image.empty())
    creation.words.front() = words.image;
  else if (!source.image_id.empty())
    creation.words.front() = source.image_id;  // its name may mean another one by now
  std::vector<std::string> all = std::move(creation.options);
  all.insert(all.end(), creation.words.begin(), creation.words.end());
  return all;
}

std::string create_clone(Invocation& invocation, const CloneWords& words, const engine::CloneSource& source) {
  std::string name = words.named.empty() ? words.name : words.named;
  if (name.empty()) name = engine::free_clone_name(invocation.engine(), source.name);
  RunWords run;
  OptionTable table, no_globals;
  declare_run_options(table, run);
  std::vector<std::string> all = words_of_clone(words, source, name, table);
  const Walk walk = walk_words(table, no_globals, all, "engine create");
  bind_options(walk.options);
  bind_words(table, walk.words, "engine create");
  all.insert(all.begin(), {source.command_line.front(), "create"});
  settle_run_options(run, all);
  bind_configured_options(invocation.engine().config, table, walk.options, run);
  return engine::create(invocation.engine(), run.options);
}

int clone(Invocation& invocation, const CloneWords& words) {
  if (words.force && !words.destroy)
    throw base::Error{ErrorKind::invalid_argument, "--force is for --destroy, which is not given"};
  const engine::CloneSource source = engine::clone_source(invocation.engine(), words.container);
  const std::string id = create_clone(invocation, words, source);
  engine::copy_watch(invocation.engine(), source.id, id);
  if (words.destroy) {
    engine::RemoveOptions options;
    options.containers = {source.id};
    options.force = words.force;
    engine::remove(invocation.engine(), options);
  }
  if (words.run) {
    engine::StartOptions options;
    options.containers = {id};
    engine::start(invocation.engine(), options);
  }
  print_line(id);
  return 0;
}

}  // namespace

Action declare_container_clone(OptionTable& table) {
  const auto words = std::make_shared<CloneWords>();
  table.flag("destroy", 0, words->destroy, "Remove the container that was cloned");
  table.flag("force", 'f', words->force, "With --destroy, also when it runs");
  table.text("name", 0, "NAME", words->named, "Name of the clone").defaults_to("that of the container with -clone");
  table.flag("run", 0, words->run, "Start the clone");
  table.known("pod", 0, OptionKind::text, Treatment::refused);
  for (const Limit& limit : limits)
    table.text(limit.name, limit.letter, limit.value_name, words->limits.emplace_back(), limit.help);
  for (const DeviceLimit& limit : device_limits)
    table.list(limit.name, 0, limit.value_name, words->device_limits.emplace_back(), limit.help);
  table.word("CONTAINER", words->container, "Name or id; the beginning of an id is enough").completes =
      Completes::containers;
  table.word("NAME", words->name, "Name of the clone").at_least = 0;
  Positional& image = table.word("IMAGE", words->image, "Another image");
  image.at_least = 0;
  image.completes = Completes::images;
  return [words](Invocation& invocation) { return clone(invocation, *words); };
}

}  // namespace cmd
