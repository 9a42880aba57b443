#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/oci/descriptor.hpp"
#include "engine/context.hpp"
#include "engine/push.hpp"
#include "engine/remote.hpp"
#include "engine/signing_options.hpp"
#include "engine/verbs.hpp"

// The verbs of `engine manifest`. Those that may read or write another place than the store are only in
// engine-transfer.

namespace engine {

/// What is said of an instance, beside what its image says itself; empty: nothing.
struct InstanceWords {
  std::string os, architecture, variant, os_version;
  std::vector<std::string> os_features, features;
  std::vector<std::string> annotations;  ///< "KEY=VALUE"
};

struct CreateListOptions {
  std::string name;
  std::vector<std::string> images;
  bool all = false;    ///< Of an index, all of its images.
  bool amend = false;  ///< A list of that name is added to.
  std::vector<std::string> annotations;
  RemoteOptions remote;
};
/// Returns the id. Only in engine-transfer. @throws Error in_use, when the name is taken.
std::string create_manifest_list(Engine& engine, const CreateListOptions& options);

struct AddToListOptions {
  std::string list;
  std::vector<std::string> images;  ///< Names of the store first, then of registries; or a transport and a place.
  bool all = false;
  InstanceWords words;
  RemoteOptions remote;
};
/// Only manifest and config are fetched; layers are when the list is pushed. Returns the list's id. Only in
/// engine-transfer.
std::string add_to_manifest_list(Engine& engine, const AddToListOptions& options);

struct AnnotateListOptions {
  std::string list;
  std::string instance;  ///< Digest, or a name of the store. Empty: the list itself.
  InstanceWords words;
  std::string subject;  ///< Of the list: digest, or a name of the store.
};
std::string annotate_manifest_list(Engine& engine, const AnnotateListOptions& options);

/// Takes instances out. Returns the list's id. @throws Error not_found, when one is not in it; nothing is changed then.
std::string remove_from_manifest_list(Engine& engine, const std::string& list,
                                      const std::vector<std::string>& instances);
/// The list alone goes, or one of its names; its images stay. @throws Error invalid_argument, for an image.
RemovedImage remove_manifest_list(Engine& engine, const std::string& list, bool ignore_missing);
bool manifest_list_exists(Engine& engine, const std::string& list);

struct InspectListOptions {
  std::string name;  ///< Of the store first, then of a registry; or a transport and a place.
  RemoteOptions remote;
};
struct InspectedList {
  std::string bytes;  ///< JSON as it is there.
  std::string media_type;
  bool is_list = false;
};
/// Only in engine-transfer.
InspectedList inspect_manifest_list(Engine& engine, const InspectListOptions& options);

struct PushListOptions {
  std::string list;
  std::string destination;  ///< Empty: the list's own name.
  bool all = true;          ///< With its images; else they must be there.
  bool remove_after = false;
  std::string format;  ///< "oci", "v2s2"; empty: oci.
  RemoteOptions remote;
  SigningOptions signing;
};
/// Only in engine-transfer.
PushedImage push_manifest_list(Engine& engine, const PushListOptions& options);

}  // namespace engine
