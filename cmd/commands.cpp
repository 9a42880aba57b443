#include "cmd/commands.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/suggest.hpp"

namespace cmd {
namespace {

constexpr Command commands[] = {
    {"append", "Add a layer to an image", Home::transfer, Visibility::listed, declare_append},
    {"attach|container attach", "Join the terminal or streams of a running container", Home::engine, Visibility::listed,
     declare_attach},
    {"auto-update", "Restart units whose containers have a newer image", Home::engine, Visibility::listed,
     declare_auto_update},
    {"bundle", "Make an OCI bundle of an image, for a runtime", Home::engine, Visibility::listed, declare_bundle},
    {"commit|container commit", "Make an image of what a container has become", Home::transfer, Visibility::listed,
     declare_commit},
    {"copy", "Copy an image from any place to any other", Home::transfer, Visibility::listed, declare_copy},
    {"cp|container cp", "Copy files into, out of and between containers", Home::engine, Visibility::listed, declare_cp},
    {"create|container create", "Create a container without starting it", Home::engine, Visibility::listed,
     declare_create},
    {"delete", "Delete an image from its registry", Home::transfer, Visibility::listed, declare_delete},
    {"diff", "Show what a container or an image changes", Home::engine, Visibility::listed, declare_diff},
    {"digest", "Show an image's digest without fetching the image", Home::transfer, Visibility::listed, declare_digest},
    {"doctor", "Look for what keeps containers from working on this host, and say what helps", Home::engine,
     Visibility::listed, declare_doctor},
    {"events|system events", "Show what happens to containers, images and volumes", Home::engine, Visibility::listed,
     declare_events},
    {"exec|container exec", "Run a command in a running container", Home::engine, Visibility::listed, declare_exec},
    {"explain", "Say what the last failure means, why it happened here, and what helps", Home::engine,
     Visibility::listed, declare_explain},
    {"export|container export", "Write a container's files to a tar archive", Home::engine, Visibility::listed,
     declare_export},
    {"healthcheck run", "Check now whether a container is healthy", Home::engine, Visibility::listed,
     declare_healthcheck_run},
    {"help", "Explain a command", Home::engine, Visibility::listed, declare_help},
    {"images|image ls|image list", "List images", Home::engine, Visibility::listed, declare_images},
    {"history|image history", "Show the steps that an image was made in", Home::engine, Visibility::listed,
     declare_history},
    {"import|image import", "Make an image from the tar of a file system", Home::transfer, Visibility::listed,
     declare_import},
    {"info|system info", "Show what this host offers and how the engine uses it", Home::engine, Visibility::listed,
     declare_info},
    {"init|container init", "Prepare containers so that starting them executes their program at once", Home::engine,
     Visibility::listed, declare_init},
    {"inspect", "Show everything known about a container, image, volume or network", Home::engine, Visibility::listed,
     declare_inspect},
    {"kill|container kill", "Send a signal to running containers", Home::engine, Visibility::listed, declare_kill},
    {"load|image load", "Take images from an archive or a folder", Home::transfer, Visibility::listed, declare_load},
    {"login", "Log in to a registry", Home::transfer, Visibility::listed, declare_login},
    {"logout", "Forget the login of a registry", Home::transfer, Visibility::listed, declare_logout},
    {"logs|container logs", "Show what containers have written", Home::engine, Visibility::listed, declare_logs},
    {"mount|container mount", "Mount the files of containers inside engine unshare", Home::engine, Visibility::listed,
     declare_mount},
    {"mutate", "Make an image with another configuration", Home::transfer, Visibility::listed, declare_mutate},
    {"pause|container pause", "Let the processes of containers stand still", Home::engine, Visibility::listed,
     declare_pause},
    {"network exists", "Tell by the exit code whether a network exists", Home::engine, Visibility::listed,
     declare_network_exists},
    {"network inspect", "Show everything known about networks", Home::engine, Visibility::listed,
     declare_network_inspect},
    {"network ls|network list", "List networks", Home::engine, Visibility::listed, declare_network_ls},
    {"port|container port", "Show which ports of the host lead into a container", Home::engine, Visibility::listed,
     declare_port},
    {"ps|container ls|container list|container ps", "List containers", Home::engine, Visibility::listed, declare_ps},
    {"pull|image pull", "Fetch images from a registry or an archive", Home::transfer, Visibility::listed, declare_pull},
    {"push|image push", "Send an image to a registry, an archive or a folder", Home::transfer, Visibility::listed,
     declare_push},
    {"rename|container rename", "Give a container another name", Home::engine, Visibility::listed, declare_rename},
    {"restart|container restart", "Stop containers and start them again", Home::engine, Visibility::listed,
     declare_restart},
    {"rm|container rm", "Remove containers", Home::engine, Visibility::listed, declare_rm},
    {"rmi|image rm", "Remove images", Home::engine, Visibility::listed, declare_rmi},
    {"run|container run", "Run a command in a new container", Home::engine, Visibility::listed, declare_run},
    {"runtime", "Be the OCI runtime of podman, containerd or a script", Home::engine, Visibility::listed,
     declare_runtime},
    {"save|image save", "Write images to an archive or a folder", Home::transfer, Visibility::listed, declare_save},
    {"search|image search", "Look for images in registries", Home::transfer, Visibility::listed, declare_search},
    {"serve", "Be a registry that offers the images of the store", Home::transfer, Visibility::listed, declare_serve},
    {"start|container start", "Start created or stopped containers", Home::engine, Visibility::listed, declare_start},
    {"stats|container stats", "Show what running containers use of CPU, memory and network", Home::engine,
     Visibility::listed, declare_stats},
    {"stop|container stop", "Stop running containers", Home::engine, Visibility::listed, declare_stop},
    {"tag|image tag", "Give an image another name", Home::engine, Visibility::listed, declare_tag},
    {"sync", "Copy many images: a repository, a list, a folder", Home::transfer, Visibility::listed, declare_sync},
    {"tags", "List the tags of a repository", Home::transfer, Visibility::listed, declare_tags},
    {"top|container top", "Show the processes of a running container", Home::engine, Visibility::listed, declare_top},
    {"unmount|umount|container unmount|container umount", "Undo mount", Home::engine, Visibility::listed,
     declare_unmount},
    {"unpause|container unpause", "Let the processes of paused containers go on", Home::engine, Visibility::listed,
     declare_unpause},
    {"unshare", "Run a command as root of the user namespace that containers get", Home::engine, Visibility::listed,
     declare_unshare},
    {"untag|image untag", "Take names from an image", Home::engine, Visibility::listed, declare_untag},
    {"update|container update", "Set limits of a running container", Home::engine, Visibility::listed, declare_update},
    {"version", "Show the version", Home::engine, Visibility::listed, declare_version},
    {"wait|container wait", "Wait until containers end and print their exit codes", Home::engine, Visibility::listed,
     declare_wait},

    {"artifact add", "Make an artifact of files, or add files to one", Home::engine, Visibility::listed,
     declare_artifact_add},
    {"artifact extract", "Write the files of an artifact to a folder", Home::engine, Visibility::listed,
     declare_artifact_extract},
    {"artifact inspect", "Show everything known about an artifact", Home::engine, Visibility::listed,
     declare_artifact_inspect},
    {"artifact ls|artifact list", "List artifacts", Home::engine, Visibility::listed, declare_artifact_ls},
    {"artifact pull", "Fetch an artifact from a registry", Home::transfer, Visibility::listed, declare_artifact_pull},
    {"artifact push", "Send an artifact to a registry", Home::transfer, Visibility::listed, declare_artifact_push},
    {"artifact rm|artifact remove", "Remove artifacts", Home::engine, Visibility::listed, declare_artifact_rm},
    {"blob cat", "Write a blob of an image to standard output", Home::transfer, Visibility::listed, declare_blob_cat},
    {"blob ls|blob list", "List what an image is made of", Home::transfer, Visibility::listed, declare_blob_ls},
    {"config explain", "Show which file decides a setting, and all that were looked at", Home::engine,
     Visibility::listed, declare_config_explain},
    {"config list|config ls", "List all settings that are followed, and where they come from", Home::engine,
     Visibility::listed, declare_config_list},
    {"container cleanup", "Tidy up after containers that do not run", Home::engine, Visibility::listed,
     declare_container_cleanup},
    {"container clone", "Make another container like one", Home::engine, Visibility::listed, declare_container_clone},
    {"container diff", "Show what a container changes", Home::engine, Visibility::listed, declare_container_diff},
    {"container exists", "Tell by the exit code whether a container exists", Home::engine, Visibility::listed,
     declare_container_exists},
    {"container inspect", "Show everything known about containers", Home::engine, Visibility::listed,
     declare_container_inspect},
    {"container prune", "Remove containers that do not run", Home::engine, Visibility::listed, declare_container_prune},
    {"generate systemd", "Make a unit of systemd for a container", Home::engine, Visibility::listed,
     declare_generate_systemd},
    {"image diff", "Show what an image changes", Home::engine, Visibility::listed, declare_image_diff},
    {"image exists", "Tell by the exit code whether an image exists", Home::engine, Visibility::listed,
     declare_image_exists},
    {"image inspect", "Show everything known about images", Home::engine, Visibility::listed, declare_image_inspect},
    {"image mount", "Mount the files of images", Home::engine, Visibility::listed, declare_image_mount},
    {"image prune", "Remove images that nothing uses", Home::engine, Visibility::listed, declare_image_prune},
    {"image scp", "Copy an image to another host or user", Home::engine, Visibility::listed, declare_image_scp},
    {"image sign", "Sign images that are published, with GPG", Home::transfer, Visibility::listed, declare_image_sign},
    {"image tree", "Show the layers of an image", Home::engine, Visibility::listed, declare_image_tree},
    {"image trust set", "Say which images of a registry are accepted", Home::transfer, Visibility::listed,
     declare_image_trust_set},
    {"image trust show", "Show which images are accepted", Home::transfer, Visibility::listed,
     declare_image_trust_show},
    {"image unmount|image umount", "Undo image mount", Home::engine, Visibility::listed, declare_image_unmount},
    {"manifest add", "Add an image to a manifest list", Home::transfer, Visibility::listed, declare_manifest_add},
    {"manifest annotate", "Change what a manifest list says of an image, or of itself", Home::engine,
     Visibility::listed, declare_manifest_annotate},
    {"manifest create", "Make a manifest list", Home::transfer, Visibility::listed, declare_manifest_create},
    {"manifest exists", "Tell by the exit code whether a manifest list exists", Home::engine, Visibility::listed,
     declare_manifest_exists},
    {"manifest inspect", "Show a manifest list", Home::transfer, Visibility::listed, declare_manifest_inspect},
    {"manifest push", "Send a manifest list with its images to a registry or a folder", Home::transfer,
     Visibility::listed, declare_manifest_push},
    {"manifest remove", "Take an image out of a manifest list", Home::engine, Visibility::listed,
     declare_manifest_remove},
    {"manifest rm", "Remove manifest lists", Home::engine, Visibility::listed, declare_manifest_rm},
    {"quadlet install", "Install Quadlet files for systemd", Home::engine, Visibility::listed, declare_quadlet_install},
    {"quadlet list|quadlet ls", "List Quadlet files and the state of their units", Home::engine, Visibility::listed,
     declare_quadlet_list},
    {"quadlet print", "Show a Quadlet file", Home::engine, Visibility::listed, declare_quadlet_print},
    {"quadlet rm|quadlet remove", "Remove Quadlet files", Home::engine, Visibility::listed, declare_quadlet_rm},
    {"secret create", "Keep a file's bytes as a secret", Home::engine, Visibility::listed, declare_secret_create},
    {"secret exists", "Tell by the exit code whether a secret exists", Home::engine, Visibility::listed,
     declare_secret_exists},
    {"secret inspect", "Show what is known about secrets", Home::engine, Visibility::listed, declare_secret_inspect},
    {"secret ls|secret list", "List secrets", Home::engine, Visibility::listed, declare_secret_ls},
    {"secret rm|secret remove", "Remove secrets", Home::engine, Visibility::listed, declare_secret_rm},
    {"system check|system fsck", "Look for damage in the store, and repair it", Home::engine, Visibility::listed,
     declare_system_check},
    {"system df", "Show how much room images, containers and volumes take", Home::engine, Visibility::listed,
     declare_system_df},
    {"system prune", "Remove everything that nothing uses", Home::engine, Visibility::listed, declare_system_prune},
    {"system reset", "Remove everything", Home::engine, Visibility::listed, declare_system_reset},
    {"systemd install", "Start containers at boot, and update them, by units of systemd", Home::engine,
     Visibility::listed, declare_systemd_install},
    {"volume create", "Make a volume", Home::engine, Visibility::listed, declare_volume_create},
    {"volume exists", "Tell by the exit code whether a volume exists", Home::engine, Visibility::listed,
     declare_volume_exists},
    {"volume export", "Write a volume's files to a tar archive", Home::engine, Visibility::listed,
     declare_volume_export},
    {"volume import", "Add the files of an archive to a volume", Home::transfer, Visibility::listed,
     declare_volume_import},
    {"volume inspect", "Show everything known about volumes", Home::engine, Visibility::listed, declare_volume_inspect},
    {"volume ls|volume list", "List volumes", Home::engine, Visibility::listed, declare_volume_ls},
    {"volume mount", "Make a volume's files reachable inside engine unshare", Home::engine, Visibility::listed,
     declare_volume_mount},
    {"volume prune", "Remove volumes that no container uses", Home::engine, Visibility::listed, declare_volume_prune},
    {"volume rm|volume remove", "Remove volumes", Home::engine, Visibility::listed, declare_volume_rm},
    {"volume unmount|volume umount", "Undo volume mount", Home::engine, Visibility::listed, declare_volume_unmount},

    {"describe", "Print all commands and options as JSON", Home::engine, Visibility::hidden, declare_describe},
    {"_complete", "Print names for shell completion", Home::engine, Visibility::hidden, declare_complete},
    {"_cleanup", "Tidy up after a container with --rm", Home::engine, Visibility::hidden, declare_cleanup},
    {"_health", "Make the health check of a container that is due", Home::engine, Visibility::hidden,
     declare_due_check},
    {"_restart", "Start a container again that has ended", Home::engine, Visibility::hidden, declare_restart_ended},
    {"_fetch", "Fetch a file for another command", Home::transfer, Visibility::hidden, declare_fetch},
    {"_inside", "Work inside a mapped user namespace", Home::engine, Visibility::hidden, declare_inside},
    {"_late-layers", "Make layers for other ids while a container runs already", Home::engine, Visibility::hidden,
     declare_late_layers},
    {"_network", "Look after the network of a container", Home::engine, Visibility::hidden, declare_network_child},
    {"_read-archive", "Read an archive for cp", Home::transfer, Visibility::hidden, declare_read_archive},
    {"_repair", "Make one image of the store whole again", Home::transfer, Visibility::hidden, declare_repair},
    {"_shutdown", "Stop containers that start again at boot", Home::engine, Visibility::hidden, declare_shutdown},
    {"_unpack", "Unpack layers for pull", Home::transfer, Visibility::hidden, declare_unpack},
};

constexpr CommandGroup groups[] = {
    {"artifact", "Work with files in registries"},
    {"blob", "Look at the parts of images"},
    {"config", "Look at the configuration"},
    {"container", "Work with containers"},
    {"healthcheck", "Look whether containers are healthy"},
    {"generate", "Make units of systemd"},
    {"image", "Work with images"},
    {"manifest", "Work with lists of images for several platforms"},
    {"network", "Look at networks"},
    {"quadlet", "Work with containers that systemd starts"},
    {"secret", "Work with secrets"},
    {"system", "Look at the engine itself"},
    {"systemd", "Let systemd start containers at boot"},
    {"volume", "Work with volumes"},
};

/// What podman has and we have not: a hint at another command's name could do harm there (top, stop).
constexpr std::string_view not_built_yet[] = {"build",
                                              "checkpoint",
                                              "farm",
                                              "generate kube",
                                              "image build",
                                              "kube",
                                              "machine",
                                              "network connect",
                                              "network create",
                                              "network disconnect",
                                              "network prune",
                                              "network reload",
                                              "network rm",
                                              "network update",
                                              "play",
                                              "pod",
                                              "restore",
                                              "runlabel",
                                              "system connection",
                                              "system migrate",
                                              "system renumber",
                                              "system service",
                                              "volume reload"};

/// "top", also of "container top".
bool is_not_built_yet(std::string_view typed) {
  constexpr std::string_view container = "container ";
  if (typed.substr(0, container.size()) == container) typed.remove_prefix(container.size());
  return std::find(std::begin(not_built_yet), std::end(not_built_yet), typed) != std::end(not_built_yet);
}

/// How many of `words` spell `path`; 0 when they do not begin with it.
std::size_t words_matching(std::string_view path, const std::vector<std::string>& words) {
  const auto parts = base::split(path, ' ');
  if (parts.size() > words.size()) return 0;
  return std::equal(parts.begin(), parts.end(), words.begin()) ? parts.size() : 0;
}

}  // namespace

std::span<const Command> all_commands() {
  return commands;
}
std::span<const CommandGroup> all_groups() {
  return groups;
}

std::string_view first_path(const Command& command) {
  return command.paths.substr(0, command.paths.find('|'));
}

FoundCommand find_command(const std::vector<std::string>& words) {
  for (const Command& command : commands) {
    for (const std::string_view path : base::split(command.paths, '|')) {
      if (const std::size_t count = words_matching(path, words); count > 0) return {&command, std::string{path}, count};
    }
  }
  return {};
}

const CommandGroup* find_group(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(groups), std::end(groups), [&](const CommandGroup& group) { return group.name == name; });
  return found == std::end(groups) ? nullptr : found;
}

bool is_about_images(std::string_view path) {
  constexpr std::string_view groups_of_images[] = {"artifact", "blob", "image", "manifest"};
  constexpr std::string_view verbs[] = {"append", "commit", "copy", "history", "images", "import", "load", "mutate",
                                        "pull",   "push",   "rmi",  "save",    "serve",  "sync",   "tag",  "untag"};
  const std::string_view last = path.substr(path.rfind(' ') + 1), first = path.substr(0, path.find(' '));
  if (std::find(std::begin(groups_of_images), std::end(groups_of_images), first) != std::end(groups_of_images))
    return true;
  return (first == last || first == "container") &&
         std::find(std::begin(verbs), std::end(verbs), last) != std::end(verbs);
}

void refuse_unknown_command(const std::vector<std::string>& words) {
  std::string typed = words.front();
  if (find_group(typed) != nullptr && words.size() > 1) typed += base::concat(' ', words[1]);
  if (is_not_built_yet(typed))
    throw base::make_error(base::ErrorKind::unsupported, "engine ", typed, " is not there yet")
        .with_hint("engine --help lists what is");
  std::vector<std::string> known;
  for (const Command& command : commands) {
    if (command.visibility == Visibility::hidden) continue;
    for (const std::string_view path : base::split(command.paths, '|')) known.emplace_back(path);
  }
  std::vector<std::string> longer;  // of "image trust": its two commands
  for (const std::string& path : known)
    if (path.starts_with(typed + " ")) longer.push_back("engine " + path);
  if (!longer.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(typed), " is not a whole command")
        .with_hint(base::join(longer, ", "));
  const std::string nearest = nearest_word(typed, known);
  throw base::make_error(base::ErrorKind::invalid_argument, "unknown command ", base::quoted(typed))
      .with_hint(nearest.empty() ? "see engine --help" : base::concat("did you mean engine ", nearest, "?"));
}

}  // namespace cmd
