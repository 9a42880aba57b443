#include "engine/sync_list.hpp"

#include <regex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/sync_versions.hpp"
#include "registry/yaml_file.hpp"

namespace engine {
namespace {

using registry::YamlNode;
using Choice = SyncRepository::Choice;

constexpr std::size_t max_pattern_bytes = 1024;

class ListReader {
 public:
  explicit ListReader(const std::string& file) : file_(file) {}

  SyncRegistry registry(const std::string& host, const YamlNode& node) const {
    SyncRegistry made;
    made.host = host;
    for (const auto& [key, value] : map(node)) {
      if (key == "images")
        add_images(made, value);
      else if (key == "images-by-tag-regex")
        add_patterns(made, value, Choice::regex);
      else if (key == "images-by-semver")
        add_patterns(made, value, Choice::semver);
      else if (key == "credentials")
        read_credentials(made, value);
      else if (key == "tls-verify")
        made.tls_verify = boolean(value);
      else if (key == "cert-dir")
        made.cert_dir = text(value);
      else
        throw value.error(file_, base::concat("the key ", base::quoted(key), " is not known"));
    }
    return made;
  }

  const std::vector<registry::YamlMember>& map(const YamlNode& node) const {
    if (node.kind != YamlNode::Kind::map && !node.is_null())
      throw node.error(file_, "keys with values are expected here");
    return node.members;
  }

 private:
  const std::string& text(const YamlNode& node) const {
    if (node.kind != YamlNode::Kind::scalar) throw node.error(file_, "a text is expected here");
    return node.text;
  }
  bool boolean(const YamlNode& node) const {
    if (!node.is_quoted && (node.text == "true" || node.text == "false")) return node.text == "true";
    throw node.error(file_, "true or false is expected here");
  }

  void add_images(SyncRegistry& made, const YamlNode& node) const {
    for (const auto& [path, tags] : map(node)) {
      SyncRepository repository{.path = path, .choice = Choice::all_tags, .names = {}, .pattern = {}};
      if (tags.kind == YamlNode::Kind::list) {
        for (const YamlNode& tag : tags.items) repository.names.push_back(text(tag));
      } else if (!tags.is_null()) {
        throw tags.error(file_, "a list of tags is expected here");
      }
      if (!repository.names.empty()) repository.choice = Choice::named;
      made.repositories.push_back(std::move(repository));
    }
  }
  void add_patterns(SyncRegistry& made, const YamlNode& node, Choice choice) const {
    for (const auto& [path, pattern] : map(node)) {
      SyncRepository repository{.path = path, .choice = choice, .names = {}, .pattern = text(pattern)};
      // A bad pattern is told before anything is copied.
      base::with_context([&] { chosen_tags(repository, {"1.0.0"}); }, file_, ":", pattern.line);
      made.repositories.push_back(std::move(repository));
    }
  }
  void read_credentials(SyncRegistry& made, const YamlNode& node) const {
    for (const auto& [key, value] : map(node)) {
      if (key == "username")
        made.user = text(value);
      else if (key == "password")
        made.password = text(value);
      else
        throw value.error(file_, base::concat("the key ", base::quoted(key), " is not known"));
    }
  }

  const std::string& file_;
};

std::regex compile(const std::string& pattern) {
  const auto bad = [&] {
    return base::make_error(base::ErrorKind::invalid_argument, base::quoted(pattern), " is no regular expression");
  };
  if (pattern.size() > max_pattern_bytes) throw bad();
  try {
    return std::regex(pattern, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    throw bad();
  }
}

}  // namespace

std::vector<SyncRegistry> parse_sync_list(std::string_view text, const std::string& file) {
  const YamlNode root = registry::parse_yaml(text, file);
  const ListReader reader(file);
  std::vector<SyncRegistry> list;
  for (const auto& [host, node] : reader.map(root)) list.push_back(reader.registry(host, node));
  if (list.empty()) throw base::make_error(base::ErrorKind::invalid_argument, file, " lists no registry");
  return list;
}

std::vector<std::string> chosen_tags(const SyncRepository& repository, const std::vector<std::string>& tags) {
  if (repository.choice == Choice::named) return repository.names;
  if (repository.choice == Choice::all_tags) return tags;
  std::vector<std::string> chosen;
  if (repository.choice == Choice::regex) {
    const std::regex pattern = compile(repository.pattern);
    for (const std::string& tag : tags)
      if (std::regex_search(tag, pattern)) chosen.push_back(tag);
    return chosen;
  }
  const VersionConstraint constraint = VersionConstraint::parse(repository.pattern);
  for (const std::string& tag : tags) {
    const std::optional<Version> version = parse_version(tag);
    if (version && constraint.allows(*version)) chosen.push_back(tag);
  }
  return chosen;
}

}  // namespace engine
