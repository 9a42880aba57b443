#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.hpp"

namespace engine {

/// The settings of an image that instructions can change.
struct ChangeableSettings {
  std::string user;
  std::vector<std::string> ports;  ///< "80/tcp"
  std::vector<std::string> env;    ///< "NAME=VALUE"
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> volumes;
  std::string work_dir;
  std::vector<std::pair<std::string, std::string>> labels;  ///< Of two with one name the last counts.
  std::string stop_signal;
};

/// What instructions of a Dockerfile make of an image's config: `--change` of import and commit. Pure.
class ImageChanges {
 public:
  ImageChanges() = default;
  /// Begins with these settings.
  explicit ImageChanges(const ChangeableSettings& settings);

  /// CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR, as "CMD /bin/sh" or
  /// "CMD=/bin/sh". A list is JSON, any other command is one for /bin/sh. ENV and LABEL take several KEY=VALUE.
  /// @throws Error invalid_argument. Source: podman-import(1) "--change".
  void apply(std::string_view instruction);

  bool sets_health() const { return !health_.empty(); }

  /// The object "config" of an image config, in the order that podman writes; what is empty is left out.
  void write(base::JsonWriter& json) const;
  /// The same without the braces.
  void write_members(base::JsonWriter& json) const;

 private:
  using Map = std::vector<std::pair<std::string, std::string>>;
  void add_ports(std::string_view value);

  std::string user_;
  std::vector<std::string> ports_;  ///< "80/tcp"
  Map env_;
  std::vector<std::string> entrypoint_;
  std::vector<std::string> command_;
  std::vector<std::string> volumes_;
  std::string work_dir_;
  Map labels_;
  std::string stop_signal_;
  std::vector<std::string> triggers_;
  std::string health_;  ///< The object "Healthcheck"; empty: nobody spoke of it.
};

}  // namespace engine
