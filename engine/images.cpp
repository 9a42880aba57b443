#include "engine/images.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <iterator>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/oci/reference.hpp"
#include "engine/events.hpp"
#include "engine/verbs.hpp"
#include "storage/container_list.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

/// Cuts the tag off: a colon after the last slash.
std::string_view repository_of(std::string_view name) {
  name = name.substr(0, name.find('@'));
  const std::size_t colon = name.rfind(':');
  const std::size_t slash = name.rfind('/');
  return colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash) ? name.substr(0, colon)
                                                                                               : name;
}

bool matches_one_form(std::string_view form, const std::string& filter) {
  if (filter.find_first_of("*?[") == std::string::npos) return form == filter;
  return ::fnmatch(filter.c_str(), std::string{form}.c_str(), 0) == 0;
}

std::map<std::string, unsigned> count_containers(const storage::Store& store) {
  std::map<std::string, unsigned> counts;
  storage::ContainerList containers{store};
  for (const std::string& id : storage::ContainerList::ids(store)) {
    try {
      ++counts[containers.record(id).manifest];
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::not_found) base::log(base::LogLevel::warn, error.message());
    }
  }
  return counts;
}

ImageSummary summarize(storage::NamedImage image) {
  ImageSummary summary;
  summary.id = image.record.config.hex();
  summary.digest = image.record.manifest.text();
  summary.names = std::move(image.names);
  summary.created = base::parse_rfc3339(image.record.created);
  summary.size_bytes = image.record.size_bytes;
  summary.read_only = image.read_only;
  return summary;
}

/// One line for each id, as podman has it: an image may have come with several manifests, from an archive and from a
/// registry, say, of which those without a name do not count.
void join(ImageSummary& summary, ImageSummary other) {
  if (summary.names.empty()) summary.digest = std::move(other.digest);
  const auto append = [](std::vector<std::string>& to, std::vector<std::string>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(summary.names, other.names);
  append(summary.repo_digests, other.repo_digests);
  std::sort(summary.names.begin(), summary.names.end());
  summary.containers += other.containers;
  summary.read_only = summary.read_only && other.read_only;
}

/// Leaves only the names that the filter means; false when the image is not meant at all.
bool keep_matching_names(storage::NamedImage& image, const std::string& filter) {
  if (filter.empty()) return true;
  const std::string_view id = image.record.config.hex();
  if (filter.size() >= 2 && (id.starts_with(filter) || image.record.config.text().starts_with(filter))) return true;
  std::erase_if(image.names, [&](const std::string& name) { return !matches_image_filter(name, filter); });
  return !image.names.empty();
}

}  // namespace

bool matches_image_filter(std::string_view name, const std::string& filter) {
  std::string_view form = name;
  while (true) {
    if (matches_one_form(form, filter) || matches_one_form(repository_of(form), filter)) return true;
    const std::size_t slash = form.find('/');
    if (slash == std::string_view::npos) return false;
    form.remove_prefix(slash + 1);
  }
}

std::string name_for_tagging(const std::string& name) {
  const oci::Reference reference =
      oci::Reference::parse(oci::Reference::is_qualified(name) ? name : base::concat("localhost/", name));
  if (reference.digest()) {
    throw make_error(ErrorKind::invalid_argument, base::quoted(name), " has a digest and cannot be a tag");
  }
  return reference.name_and_tag();
}

std::vector<std::string> repo_digests_of(const storage::NamedImage& image) {
  std::vector<std::string> result;
  for (const std::string& name : image.names) {
    const std::string repository{repository_of(name)};
    for (const base::Digest* digest : {&image.record.manifest, image.record.index ? &*image.record.index : nullptr}) {
      if (digest == nullptr) continue;
      std::string text = base::concat(repository, '@', *digest);
      if (std::find(result.begin(), result.end(), text) == result.end()) result.push_back(std::move(text));
    }
  }
  return result;
}

storage::NamedImage require_image(const storage::Store& store, const std::string& name) {
  std::optional<storage::NamedImage> image = storage::find_image(store, name);
  if (!image) throw make_error(ErrorKind::not_found, name, ": image not known");
  return std::move(*image);
}

base::Error read_only_error(const std::string& image) {
  return make_error(ErrorKind::unsupported, "image ", base::quoted(image), " is in a shared store, which is only read")
      .with_hint("whoever owns that store can change it");
}

std::vector<ImageSummary> images(Engine& engine, const std::string& name_filter, bool with_details) {
  const storage::Store& store = engine.store();
  std::map<std::string, unsigned> containers;
  if (with_details) containers = count_containers(store);
  std::vector<storage::NamedImage> all = storage::list_images(store);
  std::vector<ImageSummary> result;
  result.reserve(all.size());
  for (storage::NamedImage& image : all) {
    std::vector<std::string> repo_digests;
    if (with_details) repo_digests = repo_digests_of(image);  // of all names, also those not asked for
    if (!keep_matching_names(image, name_filter)) continue;
    std::vector<std::pair<std::string, std::string>> labels;
    if (with_details) labels = storage::read_image_config(store, image.record).labels;
    ImageSummary summary = summarize(std::move(image));
    summary.labels = std::move(labels);
    const auto count = containers.find(summary.digest);
    if (count != containers.end()) summary.containers = count->second;
    summary.repo_digests = std::move(repo_digests);
    if (!result.empty() && result.back().id == summary.id)
      join(result.back(), std::move(summary));
    else
      result.push_back(std::move(summary));
  }
  return result;
}

bool image_exists(Engine& engine, const std::string& image) {
  return storage::resolve_image(engine.store(), image).has_value();
}

void tag(Engine& engine, const std::string& image, const std::vector<std::string>& names) {
  std::vector<std::string> full_names;
  for (const std::string& name : names) full_names.push_back(name_for_tagging(name));
  const storage::Store& store = engine.store();
  const storage::GcHold hold = store.hold_garbage();
  const storage::NamedImage found = require_image(store, image);
  if (found.read_only) storage::adopt_image(store, hold, found.record);
  for (const std::string& name : full_names) {
    storage::set_ref(store, hold, name, found.record.manifest);
    note_image_event(engine, "tag", found.record.config.hex(), name);
  }
}

void untag(Engine& engine, const std::string& image, const std::vector<std::string>& names) {
  const storage::Store& store = engine.store();
  const storage::NamedImage found = require_image(store, image);
  if (found.read_only) throw read_only_error(image);
  std::vector<std::string> to_remove = names.empty() ? found.names : std::vector<std::string>{};
  for (const std::string& name : names) {
    const auto known = std::find_if(found.names.begin(), found.names.end(), [&](const std::string& full) {
      return full == name || full == name_for_tagging(name) || full == oci::Reference::parse(name).name_and_tag();
    });
    if (known == found.names.end()) throw make_error(ErrorKind::not_found, name, ": tag not known");
    to_remove.push_back(*known);
  }
  for (const std::string& name : to_remove) {
    storage::remove_ref(store, name);
    note_image_event(engine, "untag", found.record.config.hex(), name);
  }
}

}  // namespace engine
