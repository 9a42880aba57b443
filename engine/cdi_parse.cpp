#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "engine/cdi.hpp"
#include "engine/hooks_dir.hpp"
#include "registry/yaml_file.hpp"

namespace engine {

namespace {

constexpr std::array known_versions{"0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0"};

/// Numbers and truth values unquoted, as YAML has them; all else is text.
void write_scalar(base::JsonWriter& json, const registry::YamlNode& node) {
  if (node.is_quoted) return void(json.value(node.text));
  if (node.is_null()) return void(json.null());
  if (node.text == "true" || node.text == "false") return void(json.raw(node.text));
  const auto number = base::parse_signed(node.text);
  number ? json.value(*number) : json.value(node.text);
}

void write_node(base::JsonWriter& json, const registry::YamlNode& node) {
  switch (node.kind) {
    case registry::YamlNode::Kind::scalar:
      return write_scalar(json, node);
    case registry::YamlNode::Kind::list:
      json.begin_array();
      for (const registry::YamlNode& item : node.items) write_node(json, item);
      json.end_array();
      return;
    case registry::YamlNode::Kind::map:
      json.begin_object();
      for (const registry::YamlMember& member : node.members) {
        json.key(member.key);
        write_node(json, member.value);
      }
      json.end_object();
  }
}

std::string absolute(const base::JsonAt& json) {
  std::string path = json.string();
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) throw json.error("is not an absolute path");
  return path;
}

template <class Visit>
void for_each_in(const base::JsonAt& json, std::string_view key, const Visit& visit) {
  const auto list = json.find(key);
  if (!list) return;
  for (const base::JsonAt& one : list->array()) visit(one);
}

runtime::Mount parse_mount(const base::JsonAt& json) {
  runtime::Mount mount{.destination = absolute(json.at("containerPath")),
                       .type = json.string_or("type", ""),
                       .source = absolute(json.at("hostPath")),
                       .options = json.strings_or_empty("options")};
  const bool is_bind = std::any_of(mount.options.begin(), mount.options.end(),
                                   [](const std::string& option) { return option == "bind" || option == "rbind"; });
  if (!mount.type.empty() && mount.type != "bind" && mount.type != "none")
    throw json.at("type").error("is not bind: only what lies on the host can be mounted");
  mount.type = "bind";
  if (!is_bind) mount.options.emplace_back("rbind");
  return mount;
}

void add_hook(const base::JsonAt& json, runtime::Hooks& hooks) {
  const base::JsonAt name = json.at("hookName");
  std::vector<runtime::Hook>* list = hooks_at(hooks, name.string());
  if (list == nullptr) throw name.error("is not the name of a hook");
  list->push_back(parse_hook(json));
}

CdiEdits parse_edits(const base::JsonAt& json) {
  CdiEdits edits;
  for_each_in(json, "env", [&](const base::JsonAt& one) {
    if (one.string().find('=') == std::string::npos) throw one.error("is not NAME=VALUE");
    edits.env.push_back(one.string());
  });
  for_each_in(json, "deviceNodes", [&](const base::JsonAt& one) {
    std::string path = absolute(one.at("path"));
    std::string host_path = one.has("hostPath") ? absolute(one.at("hostPath")) : path;
    edits.nodes.push_back({std::move(path), std::move(host_path)});
  });
  for_each_in(json, "mounts", [&](const base::JsonAt& one) { edits.mounts.push_back(parse_mount(one)); });
  for_each_in(json, "hooks", [&](const base::JsonAt& one) { add_hook(one, edits.hooks); });
  for_each_in(json, "additionalGids", [&](const base::JsonAt& one) {
    const std::uint64_t gid = one.unsigned_integer();
    if (gid >= UINT32_MAX) throw one.error("is not an id");
    if (gid != 0) edits.additional_gids.push_back(static_cast<std::uint32_t>(gid));
  });
  return edits;
}

bool is_name(std::string_view name, std::string_view more) {
  const auto is_good = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || more.find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_good) &&
         std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         std::isalnum(static_cast<unsigned char>(name.back())) != 0;
}

bool is_kind(std::string_view kind) {
  const auto parts = base::split_once(kind, '/');
  return parts && is_name(parts->first, "_-.") && is_name(parts->second, "_-.") &&
         std::isalpha(static_cast<unsigned char>(kind.front())) != 0;
}

}  // namespace

bool is_cdi_name(std::string_view word) {
  const auto parts = base::split_once(word, '=');
  return parts && is_kind(parts->first) && is_name(parts->second, "_-.:");
}

CdiFile parse_cdi_file(std::string_view text, const std::string& path) {
  std::string converted;
  if (!path.ends_with(".json")) {
    base::JsonWriter json;
    write_node(json, registry::parse_yaml(text, path));
    converted = json.take();
    text = converted;
  }
  const base::JsonAt json = base::JsonAt::parse(text, base::concat("CDI file ", base::quoted(path)));
  const base::JsonAt version = json.at("cdiVersion");
  if (std::find(known_versions.begin(), known_versions.end(), version.string()) == known_versions.end())
    throw version.error("is a version that is not known: 0.3.0 to 1.0.0");
  CdiFile file{.path = path, .kind = json.at("kind").string()};
  if (!is_kind(file.kind)) throw json.at("kind").error("is not VENDOR/CLASS");
  if (const auto edits = json.find("containerEdits")) file.edits = parse_edits(*edits);
  for (const base::JsonAt& one : json.at("devices").array()) {
    CdiDevice device{.name = one.at("name").string()};
    if (!is_name(device.name, "_-.:")) throw one.at("name").error("is not the name of a device");
    if (const auto edits = one.find("containerEdits")) device.edits = parse_edits(*edits);
    file.devices.push_back(std::move(device));
  }
  return file;
}

}  // namespace engine
