#include "engine/commit_config.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"

namespace engine {
namespace {

using base::JsonAt;
using base::JsonWriter;

/// What ImageChanges writes, and so must not be kept.
constexpr std::array<std::string_view, 10> own_settings = {
    "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal", "OnBuild"};
constexpr std::array<std::string_view, 7> own_members = {"created", "author",    "config", "rootfs",
                                                         "history", "container", "comment"};

template <std::size_t Count>
void keep_others(JsonWriter& json, const JsonAt& object, const std::array<std::string_view, Count>& ours,
                 std::string_view also = {}) {
  for (const auto& [key, value] : object.members())
    if (std::find(ours.begin(), ours.end(), key) == ours.end() && key != also) json.key(key).raw(value.dump());
}

void write_history(JsonWriter& json, const JsonAt& base, const CommitConfig& commit) {
  json.key("history").begin_array();
  if (const auto history = base.find("history"); history && !commit.is_squashed)
    for (const JsonAt& entry : history->array()) json.raw(entry.dump());
  json.begin_object().member("created", commit.created).member("created_by", "/bin/sh");
  if (!commit.author.empty()) json.member("author", commit.author);
  json.member("comment", commit.comment).end_object().end_array();
}

}  // namespace

std::string make_commit_config(const CommitConfig& commit) {
  const JsonAt base = JsonAt::parse(commit.base, "image config", {.max_bytes = oci::max_config_bytes});
  JsonWriter json;
  json.begin_object().member("created", commit.created);
  if (!commit.author.empty()) json.member("author", commit.author);
  if (!commit.docker_comment.empty()) json.member("comment", commit.docker_comment);
  keep_others(json, base, own_members);
  json.key("config").begin_object();
  if (const auto old = base.find("config"); old && old->is_object())
    keep_others(json, *old, own_settings, commit.config.sets_health() ? "Healthcheck" : "");
  commit.config.write_members(json);
  json.end_object();
  json.key("rootfs").begin_object().member("type", "layers").key("diff_ids").begin_array();
  if (!commit.is_squashed)
    for (const std::string& diff_id : base.at("rootfs").strings_or_empty("diff_ids")) json.value(diff_id);
  json.value(commit.diff_id.text()).end_array().end_object();
  write_history(json, base, commit);
  json.end_object();
  return json.take();
}

}  // namespace engine
