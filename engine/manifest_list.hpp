#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/json_writer.hpp"

// A manifest list as it is edited: what `engine manifest` reads and writes. Pure.

namespace engine {

using AnnotationMap = std::vector<std::pair<std::string, std::string>>;

/// One entry of a list. The image that it names is never changed by editing it.
struct ListInstance {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size_bytes = 0;
  std::string artifact_type{};
  std::string os{}, architecture{}, variant{}, os_version{};  ///< Empty: the entry says nothing.
  std::vector<std::string> os_features{}, features{};
  AnnotationMap annotations{};
  std::string source{};  ///< "docker://name", "oci:/path:tag": where its blobs are; empty: in the store.
};

/// What the list says it belongs to. Source: OCI image-spec image-index.md "subject".
struct ListSubject {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size_bytes = 0;
};

struct ManifestList {
  std::string created;  ///< RFC 3339; of the list in the store, not part of the index.
  std::string artifact_type;
  std::vector<ListInstance> instances;
  std::optional<ListSubject> subject;
  AnnotationMap annotations;
};

inline constexpr std::size_t max_list_instances = 1000;

/// An index of OCI or Docker's list. @throws Error corrupt.
ManifestList parse_manifest_list(std::string_view index_bytes, const std::string& what);
/// As an OCI index.
std::string render_index(const ManifestList& list);
/// As Docker's list. @throws Error unsupported, when an instance is in OCI's format: a list of Docker's names only its
/// own, and no instance is ever converted, since its digest would be another one.
std::string render_docker_list(const ManifestList& list);

/// What the store keeps as the list's config: an image config without layers, and where the instances come from.
std::string render_list_config(const ManifestList& list);
/// Takes time and sources from it.
void read_list_config(std::string_view bytes, ManifestList& list);

/// Puts an entry in, or in the place of the one with the same digest. @throws Error invalid_argument, when full.
void put_instance(ManifestList& list, ListInstance instance);
/// Nullptr, when there is none.
ListInstance* find_instance(ManifestList& list, const base::Digest& digest);

/// "KEY=VALUE" into the map, in the place of an older value. @throws Error invalid_argument.
void set_annotation(AnnotationMap& annotations, std::string_view word);

void write_annotations(base::JsonWriter& json, const AnnotationMap& annotations);

}  // namespace engine
