#include "engine/image_policy.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"
#include "engine/config_files.hpp"
#include "engine/pull_source.hpp"
#include "engine/signature_check.hpp"
#include "registry/oci_layout.hpp"
#include "registry/policy.hpp"

namespace engine {
namespace {

constexpr std::size_t max_policy_bytes = 1024 * 1024;

std::vector<std::string> scopes_of(const registry::SourceName& name) {
  if (name.transport == "docker") return registry::policy_scopes(oci::Reference::parse(name.rest));
  if (name.transport == "docker-archive") return {};
  const registry::PathAndName place = registry::split_path_and_name(name.rest);
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::weakly_canonical(place.path, failed);
  return registry::policy_scopes(failed ? place.path : path.string(), place.name);
}

/// The digests of which one must be signed: of what the name means, and of the manifest that is chosen from a list.
std::vector<base::Digest> digests_to_sign(registry::ImageSource& source, const registry::ManifestBytes& root,
                                          const TakenImage& taken) {
  std::vector<base::Digest> digests{root.digest};
  if (taken.whole_index) return digests;
  const ChosenManifest chosen = choose_for_platform(source, root, taken.platform, "the image");
  if (chosen.manifest.digest != root.digest) digests.push_back(chosen.manifest.digest);
  return digests;
}

std::string fault_by(const Engine& engine, const registry::PolicyRequirement& requirement,
                     const registry::SourceName& name, const registry::RegistryOptions& options,
                     registry::ImageSource& source, const registry::ManifestBytes& root, const TakenImage& taken) {
  using Kind = registry::PolicyRequirement::Kind;
  if (requirement.kind == Kind::accept) return {};
  if (requirement.kind == Kind::reject) return "every image is rejected there";
  if (requirement.kind == Kind::not_supported)
    return base::concat("it asks for ", requirement.type, ", which is not supported");
  std::string fault;
  for (const base::Digest& digest : digests_to_sign(source, root, taken)) {
    fault = signature_fault(engine, requirement, name, digest, options);
    if (fault.empty()) return {};
  }
  return fault;
}

}  // namespace

std::optional<std::string> policy_file(const Engine& engine) {
  const ConfigFolders folders = config_folders(engine.host);
  for (const std::string& folder : {folders.user, folders.system}) {
    const std::string path = folder + "/policy.json";
    // One that is there, but cannot be reached, must not be taken for none, nor a link that leads nowhere: reading it
    // tells what is wrong.
    if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0 || (errno != ENOENT && errno != ENOTDIR))
      return path;
  }
  return std::nullopt;
}

void check_policy(const Engine& engine, const registry::SourceName& name, const registry::RegistryOptions& registry,
                  registry::ImageSource& source, const registry::ManifestBytes& root, const TakenImage& taken) {
  const std::optional<std::string> file = policy_file(engine);
  if (!file) return;
  const auto text = base::try_read_host_file(*file, max_policy_bytes);
  if (!text) throw base::make_error(base::ErrorKind::permission, base::quoted(*file), " cannot be read");
  const registry::Policy policy = registry::parse_policy(*text, *file);
  const registry::FoundRequirements found = registry::find_requirements(policy, name.transport, scopes_of(name));
  for (const registry::PolicyRequirement& requirement : *found.requirements) {
    const std::string fault = fault_by(engine, requirement, name, registry, source, root, taken);
    if (fault.empty()) continue;
    throw base::Error(base::ErrorKind::permission, base::concat("the policy does not accept the image: ", fault),
                      base::concat(*file, " decides, by its entry ", base::quoted(found.scope)));
  }
}

void check_policy(const Engine& engine, const OpenedImage& image, const registry::RegistryOptions& registry,
                  const TakenImage& taken) {
  if (image.transport == "containers-storage") return;
  const registry::SourceName name = image.transport == "docker" ? registry::SourceName{"docker", image.name}
                                                                : registry::parse_source_name(image.name);
  check_policy(engine, name, registry, *image.source, image.root, taken);
}

}  // namespace engine
