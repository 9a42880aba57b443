#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/spec.hpp"

namespace engine {

/// What a container gets: "containerEdits" of the Container Device Interface.
/// Source: the specification of CDI, 0.5 to 0.8.
struct CdiEdits {
  struct Node {
    std::string path;       ///< In the container.
    std::string host_path;  ///< Of the host; the same unless it is given.
  };
  std::vector<std::string> env;  ///< "NAME=VALUE"
  std::vector<Node> nodes;
  std::vector<runtime::Mount> mounts;
  runtime::Hooks hooks;
  std::vector<std::uint32_t> additional_gids;
};

struct CdiDevice {
  std::string name;
  CdiEdits edits;
};

/// One file: the devices of one vendor and class.
struct CdiFile {
  std::string path;
  std::string kind;  ///< "vendor.com/class"
  CdiEdits edits;    ///< For each of its devices.
  std::vector<CdiDevice> devices;
};

/// Whether `word` of --device has the form "vendor.com/class=name", which no path has.
bool is_cdi_name(std::string_view word);

/// Pure. JSON, or YAML with the means of JSON, by the ending of `path`. @throws Error corrupt or invalid_argument,
/// which names the file.
CdiFile parse_cdi_file(std::string_view text, const std::string& path);

/// What the words ask for, from the files of these folders: a later folder counts more, and the edits that a file has
/// for each of its devices come once. @throws Error not_found; corrupt, when a file of that kind is damaged.
CdiEdits find_cdi_devices(const std::vector<std::string>& words, const std::vector<std::string>& folders);

}  // namespace engine
