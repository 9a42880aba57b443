#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/quadlet.hpp"

namespace engine {

/// A service while it is made from a Quadlet file: what all kinds of files have in common.
class QuadletDraft {
 public:
  QuadletDraft(const QuadletUnit& of, const QuadletUnits& all, const QuadletSurroundings& where)
      : unit(of), units(all), around(where), service(of.file) {}

  const QuadletUnit& unit;
  const QuadletUnits& units;
  const QuadletSurroundings& around;
  UnitFile service;

  std::optional<std::string> last(std::string_view key) const { return unit.last(key); }
  std::vector<const UnitLine*> all(std::string_view key) const { return unit.file.all(unit.format->section, key); }
  /// Yes or no of a key. @throws Error with the place, when it is neither.
  bool boolean(std::string_view key, bool otherwise) const;

  void add(std::string_view section, std::string key, std::string value) {
    service.add(section, std::move(key), std::move(value));
  }
  /// The value of a line that names another Quadlet file; the service then needs the other's.
  /// @throws Error with the place, when there is no such file.
  const QuadletUnit& require(const UnitLine& line, const std::string& file_name);
  /// Absolute: what is relative is so to the file's folder. What begins with % is left alone.
  std::string absolute(const std::string& path) const;

  /// Options that the table of keys tells, in its order.
  std::vector<std::string> options() const;
  /// Program, global options, and these words.
  std::vector<std::string> command(std::vector<std::string> words) const;
  void add_command(std::string key, const std::vector<std::string>& words, std::string_view prefix = {});
  /// Words of PodmanArgs=.
  std::vector<std::string> arguments() const;

  /// Volume=, with files of kind .volume. Also Mount= of containers.
  void append_volumes(std::vector<std::string>& words);
  /// Network=, with files of kind .network and, where `with_containers`, .container.
  void append_networks(std::vector<std::string>& words, bool with_containers);
  /// The image of Image=, which may be a file of kind .image or .build.
  std::string image(const UnitLine& line);

  /// Type=oneshot, done once and for all.
  void set_oneshot();

 private:
  void append_key(const QuadletKey& key, std::vector<std::string>& words) const;
};

/// Runs `work`; an Error passing through gains the line's place in front.
template <class Work>
decltype(auto) at_line(const UnitLine& line, Work&& work) {
  return base::with_context(std::forward<Work>(work), place_of(line), ": ", line.key, "=");
}

void draft_container(QuadletDraft& draft);
void draft_volume(QuadletDraft& draft);
void draft_network(QuadletDraft& draft);
void draft_image(QuadletDraft& draft);
void draft_build(QuadletDraft& draft);
void draft_pod(QuadletDraft& draft);
void draft_kube(QuadletDraft& draft);

}  // namespace engine
