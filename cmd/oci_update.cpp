#include "cmd/oci_update.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_folder.hpp"
#include "cmd/oci_verbs.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

enum class Unit { bytes, number, text };

/// One option of `update` and where its value stands in linux.resources (config-linux.md).
struct Limit {
  std::string_view option;
  std::string_view group;
  std::string_view key;
  Unit unit;
};

constexpr Limit limits[] = {
    {"blkio-weight", "blockIO", "weight", Unit::number},
    {"cpu-burst", "cpu", "burst", Unit::number},
    {"cpu-idle", "cpu", "idle", Unit::number},
    {"cpu-period", "cpu", "period", Unit::number},
    {"cpu-quota", "cpu", "quota", Unit::number},
    {"cpu-rt-period", "cpu", "realtimePeriod", Unit::number},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime", Unit::number},
    {"cpu-share", "cpu", "shares", Unit::number},
    {"cpu-shares", "cpu", "shares", Unit::number},
    {"cpuset-cpus", "cpu", "cpus", Unit::text},
    {"cpuset-mems", "cpu", "mems", Unit::text},
    {"kernel-memory", "memory", "kernel", Unit::bytes},
    {"kernel-memory-tcp", "memory", "kernelTCP", Unit::bytes},
    {"memory", "memory", "limit", Unit::bytes},
    {"memory-reservation", "memory", "reservation", Unit::bytes},
    {"memory-swap", "memory", "swap", Unit::bytes},
    {"pids-limit", "pids", "limit", Unit::number},
};

constexpr std::string_view groups[] = {"blockIO", "cpu", "memory", "pids"};

std::int64_t parse_value(const Limit& limit, const std::string& text) {
  std::optional<std::int64_t> value = base::parse_signed(text);
  if (!value && limit.unit == Unit::bytes)
    if (const auto bytes = base::parse_size(text); bytes && *bytes <= INT64_MAX)
      value = static_cast<std::int64_t>(*bytes);
  if (!value)
    throw make_error(ErrorKind::invalid_argument, "--", limit.option, " is ",
                     limit.unit == Unit::bytes ? "a size" : "a number", ", not ", base::quoted(text));
  return *value;
}

void add_value(base::JsonWriter& json, const Limit& limit, const std::string& text) {
  if (limit.unit == Unit::text)
    json.member(limit.key, text);
  else
    json.member(limit.key, parse_value(limit, text));
}

void add_group(base::JsonWriter& json, std::string_view group, const OciWords& words) {
  bool is_open = false;
  for (const Limit& limit : limits) {
    const auto text = words.value(limit.option);
    if (limit.group != group || !text) continue;
    if (!is_open) json.key(group).begin_object();
    is_open = true;
    add_value(json, limit, *text);
  }
  if (is_open) json.end_object();
}

std::string read_resources(const std::string& file) {
  if (file == "-") return base::read_to_end(STDIN_FILENO, runtime::max_spec_bytes);
  return base::read_file(AT_FDCWD, file, runtime::max_spec_bytes);
}

}  // namespace

std::string resources_of_words(const OciWords& words) {
  base::JsonWriter json;
  json.begin_object();
  for (const std::string_view group : groups) add_group(json, group, words);
  json.end_object();
  return json.take();
}

int oci_update(const OciGlobals& globals, const OciWords& words) {
  const auto file = words.value("resources");
  const std::string resources = file ? read_resources(*file) : resources_of_words(words);
  runtime::check_resources(resources);
  const LockedContainer locked = lock_oci_container(globals.root, words.words.front());
  const std::string status = status_of(locked.container);
  if (status == "stopped" || status == "creating")
    throw make_error(ErrorKind::in_use, "container not running: ", base::quoted(locked.container.state.id), " is ",
                     status);
  std::vector<std::string> schemata;
  for (const std::string_view option : {"l3-cache-schema", "mem-bw-schema"})
    if (const auto line = words.value(option)) schemata.push_back(*line);
  runtime::set_rdt_schemata(locked.container.state.rdt, schemata);
  runtime::Cgroup::open(locked.container.state.cgroup)->set(resources);
  return 0;
}

}  // namespace cmd
