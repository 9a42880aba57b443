#include "engine/inside.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "base/scope_exit.hpp"
#include "base/signals.hpp"
#include "engine/bundle.hpp"
#include "engine/container_ids.hpp"
#include "engine/container_secrets.hpp"
#include "engine/container_tree.hpp"
#include "engine/container_user.hpp"
#include "engine/copy_files.hpp"
#include "engine/copy_words.hpp"
#include "engine/driver.hpp"
#include "engine/error_bytes.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/fuse_overlayfs.hpp"
#include "engine/id_variants.hpp"
#include "engine/inside_store.hpp"
#include "engine/late_layers.hpp"
#include "engine/mapped_root.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/network_probe.hpp"
#include "engine/upper.hpp"
#include "engine/verbs.hpp"
#include "engine/volume_archive.hpp"
#include "engine/volume_options.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/rootfs.hpp"
#include "runtime/spec.hpp"
#include "storage/change_owner.hpp"
#include "storage/containers.hpp"
#include "storage/copy_attributes.hpp"
#include "storage/copy_tree.hpp"
#include "storage/overlay.hpp"
#include "storage/shift_trees.hpp"
#include "storage/staging.hpp"
#include "storage/volumes.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

// The child answers with one message over the channel: "+", or an error. Some send news before it: "=" and a text.
constexpr std::string_view success = "+";
constexpr char news = '=';

storage::ContainerDir require_container(Engine& engine, const std::string& id) {
  auto container = storage::find_container(engine.store(), id);
  if (!container) throw make_error(ErrorKind::not_found, "no container with id ", quoted(id));
  return std::move(*container);
}

std::uint32_t require_id(const std::string& text) {
  const auto id = base::parse_unsigned(text);
  if (!id || *id >= UINT32_MAX) throw make_error(ErrorKind::internal, quoted(text), " is not an id");
  return static_cast<std::uint32_t>(*id);
}

void prepare_copy(Engine& engine, const std::string& id) {
  const storage::ContainerDir container = require_container(engine, id);
  storage::prepare_copy(engine.store(), rootfs_request(engine, container, storage::read_record(container)));
  install_user_files(container);
}

void copy_translated(int source, int target, storage::OwnerTranslation translation) {
  translation.may_link = false;  // no inode of a layer in a volume
  const mode_t umask_before = ::umask(0);
  const auto undo = base::on_scope_exit([&] { ::umask(umask_before); });
  std::vector<storage::ShiftedTree> trees(1);
  trees[0] = {base::open_directory(source, "."), base::open_directory(target, ".")};
  storage::shift_trees(trees, translation, 1, [](std::uint64_t) {});
}

/// What the image has at `path` becomes the volume's content, owner and mode; where it has nothing, the volume is the
/// container's user's.
void fill_volume(int root, const std::string& path, int target, const runtime::User& user,
                 const std::optional<storage::OwnerTranslation>& translation) {
  const base::UniqueFd source = base::try_open_in_root(root, path, O_RDONLY | O_DIRECTORY);
  if (!source) {
    if (::fchown(target, user.uid, user.gid) != 0) throw base::os_error("giving the volume to user ", user.uid);
    return;
  }
  if (translation) return copy_translated(source.get(), target, *translation);
  storage::copy_tree(source.get(), target);
  struct stat info {};
  if (::fstat(source.get(), &info) != 0) throw base::os_error("looking at ", quoted(path));
  storage::copy_attributes(source.get(), target, info);
}

/// Option o=uid=,gid= of a volume wins over what the image says.
void own_as_asked(const storage::Volume& volume, int target) {
  const VolumeMeaning meaning = parse_volume_options(volume.words.options);
  if (!meaning.uid && !meaning.gid) return;
  if (::fchown(target, meaning.uid.value_or(0), meaning.gid.value_or(0)) != 0)
    throw base::os_error("giving volume ", quoted(volume.name), " its owner");
}

/// The container's user, as it is seen in here.
runtime::User user_of(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record) {
  const std::string config = storage::read_config_json(container, runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(config, "config.json of the container");
  const rootless::IdMap id_map = id_map_of(engine, record, spec);
  runtime::User user = spec.process.user;
  user.uid = intermediate_uid(engine, id_map, user.uid);
  user.gid = intermediate_gid(engine, id_map, user.gid);
  return user;
}

/// Words: container, folder in it for a copy (or empty), layers.
void prepare_image(Engine& engine, const std::vector<std::string>& words) {
  const storage::ContainerDir container = require_container(engine, words.at(1));
  const std::string& copy = words.at(2);
  storage::RootfsRequest request{.driver = base::RootfsDriver::copy,
                                 .chain_ids = {},
                                 .variant = storage::read_record(container).variant,
                                 .container_dir = container.dir.get(),
                                 .read_only = copy.empty()};
  for (std::size_t i = 3; i < words.size(); ++i) request.chain_ids.push_back(base::Digest::parse(words[i]));
  base::UniqueFd folder;
  if (!copy.empty()) {
    folder = base::make_directory(container.dir.get(), copy, 0711);
    request.container_dir = folder.get();
  }
  storage::prepare_copy(engine.store(), request);
}

/// Words: (path on the host, path in there or empty) pairs.
void change_owners(Engine& engine, const std::vector<std::string>& words) {
  const storage::ContainerDir container = require_container(engine, words.at(1));
  const runtime::User user = user_of(engine, container, storage::read_record(container));
  for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
    base::UniqueFd place{::open(words[i].c_str(), O_PATH | O_CLOEXEC)};
    if (!place) throw base::os_error("opening ", quoted(words[i]));
    if (!words[i + 1].empty()) place = base::open_in_root(place.get(), words[i + 1], O_PATH);
    storage::change_owner(place.get(), words[i], user.uid, user.gid);
  }
}

/// The files that volumes are filled from: the image's, or those of --rootfs. What is returned holds the mount.
base::UniqueFd open_files(Engine& engine, const storage::ContainerDir& container,
                          const storage::ContainerRecord& record,
                          std::optional<storage::OwnerTranslation>& translation) {
  if (!record.rootfs.empty()) {
    base::UniqueFd root{::open(record.rootfs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!root) throw base::os_error("opening rootfs ", quoted(record.rootfs));
    if (!record.rootfs_id_map.empty()) {
      const rootless::IdMap ids = record.uid_map.empty() ? engine.host.id_map : recorded_map(record);
      translation = translation_from_default(engine, mapped_ids(record, ids));
    }
    return root;
  }
  storage::RootfsRequest request = rootfs_request(engine, container, record);
  // Layers that are not there for these ids: their owners are translated while they are copied.
  if (std::exchange(request.served_lowers, false)) translation = translation_from_default(engine, recorded_map(record));
  if (request.driver == base::RootfsDriver::fuse_overlayfs) {
    // Nothing is written to it, and links show the same without a server.
    request.driver = base::RootfsDriver::copy;
    request.read_only = true;
    storage::prepare_copy(engine.store(), request);
  }
  base::RootfsMount rootfs = storage::plan_rootfs(engine.store(), request);
  return runtime::mount_rootfs_detached(rootfs);
}

/// Words: (volume, path in the container) pairs.
void copy_up(Engine& engine, const std::vector<std::string>& words) {
  const storage::ContainerDir container = require_container(engine, words.at(1));
  const storage::ContainerRecord record = storage::read_record(container);
  std::optional<storage::OwnerTranslation> translation;
  const base::UniqueFd root = open_files(engine, container, record, translation);
  const runtime::User user = user_of(engine, container, record);
  for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
    const base::FileLock lock = storage::lock_volume(engine.store(), words[i]);
    const auto volume = storage::find_volume(engine.store(), words[i]);
    if (!volume || !volume->needs_copy_up) continue;  // another container was first
    const base::UniqueFd target{::open(volume->data_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
    if (!target) throw base::os_error("opening volume ", quoted(words[i]));
    fill_volume(root.get(), words[i + 1], target.get(), user, translation);
    own_as_asked(*volume, target.get());
    storage::mark_volume_populated(engine.store(), lock, words[i]);
  }
}

void own_volume(Engine& engine, const std::vector<std::string>& words) {
  const auto volume = storage::find_volume(engine.store(), words.at(1));
  if (!volume) throw make_error(ErrorKind::not_found, "no such volume ", quoted(words.at(1)));
  if (::fchownat(volume->data.get(), "", require_id(words.at(2)), require_id(words.at(3)), AT_EMPTY_PATH) != 0)
    throw base::os_error("giving volume ", quoted(volume->name), " to ", words.at(2), ":", words.at(3));
}

/// `unshare`: descriptor 3 is closed, the command takes our place.
[[noreturn]] void execute(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::size_t i = 1; i < words.size(); ++i) argv.push_back(const_cast<char*>(words[i].c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  const base::Error cause = base::os_error("executing ", quoted(words.at(1)));
  throw base::Error{cause.kind() == ErrorKind::not_found ? ErrorKind::command_not_found : ErrorKind::command_not_usable,
                    cause.message()};
}

/// The last word. A parent that has all it wants may be gone by then, as `cp` is.
void answer(const base::Channel& channel, std::string_view bytes) {
  try {
    channel.send(bytes);
  } catch (const base::Error& error) {
    if (error.code() != EPIPE) throw;
  }
}

Tell tell_parent(const base::Channel& channel) {
  return [&channel](std::string_view text) { channel.send(base::concat(news, text)); };
}

void dispatch(Engine& engine, const std::vector<std::string>& words, const base::Channel& channel) {
  const std::string& verb = words.at(0);
  if (verb == "empty-trash")
    storage::empty_trash(engine.store());
  else if (verb == "prepare-copy")
    prepare_copy(engine, words.at(1));
  else if (verb == "bundle-tree")
    make_bundle_tree_inside(engine, words);
  else if (verb == "copy-up")
    copy_up(engine, words);
  else if (verb == "prepare-image")
    prepare_image(engine, words);
  else if (verb == "change-owner")
    change_owners(engine, words);
  else if (verb == "own-secrets")
    own_secrets(words);
  else if (verb == "own-volume")
    own_volume(engine, words);
  else if (verb == "export-volume")
    export_volume_inside(engine, words.at(1));
  else if (verb == "cp-stopped")
    serve_copy_stopped(engine, words.at(1), channel);
  else if (verb == "list-changes")
    list_changes_inside(engine, words.at(1));
  else if (verb == "export-container")
    export_container_inside(engine, words.at(1));
  else if (verb == "pack-layer")
    pack_container_layer_inside(engine, words.at(1), words.at(2) == "everything");
  else if (verb == "make-variants")
    make_id_variants_inside(engine, words, tell_parent(channel));
  else if (verb == "give-upper")
    give_upper_inside(require_container(engine, words.at(1)), require_id(words.at(2)), require_id(words.at(3)));
  else if (verb == "check-layers")
    check_layers_inside(engine, tell_parent(channel));
  else if (verb == "measure")
    measure_for_parent(engine, {words.begin() + 1, words.end()}, tell_parent(channel));
  else
    throw make_error(ErrorKind::internal, "unknown work ", quoted(verb), " for the user namespace");
}

}  // namespace

void run_inside(Engine& engine, const std::vector<std::string>& words,
                const std::function<void(std::string_view)>& on_message, int output) {
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.emplace_back("_inside");
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.null_stdin = true;
  if (output >= 0) command.fds = {{output, STDOUT_FILENO}};
  command.die_with_parent = true;
  rootless::MappedChild child = rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host);
  auto answer = child.channel.receive();
  for (; answer && answer->bytes.front() == news; answer = child.channel.receive())
    if (on_message) on_message(std::string_view{answer->bytes}.substr(1));
  child.process.wait();
  if (!answer) throw make_error(ErrorKind::internal, "the helper in the user namespace died (", words.at(0), ")");
  if (answer->bytes != success) throw decode_error(answer->bytes);
}

int inside(Engine& engine, const std::vector<std::string>& words) {
  ::prctl(PR_SET_NAME, "engine");  // executed as /proc/self/exe
  if (words.at(0) == "fuse-overlayfs") return run_fuse_overlayfs({words.begin() + 1, words.end()});
  if (words.at(0) == "fuse-beside") return run_fuse_beside({words.begin() + 1, words.end()});
  if (words.at(0) == "fuse-lowers") return run_fuse_lowers({words.begin() + 1, words.end()});
  if (words.at(0) == "oci-start") return start_externally_inside(engine, words);
  if (words.at(0) == "oci-call") return call_externally_inside(engine.host, words);
  if (words.at(0) == "cp-running") return serve_copy_running();
  if (words.at(0) == "probe") return probe_inside(words);
  if (words.at(0) == "probe-namespaces") return probe_namespaces_inside();
  if (words.at(0) == "probe-network") return probe_network_inside();
  base::Channel channel = rootless::enter_mapped_namespace(true);
  if (words.at(0) == "unshare") {
    channel.close();
    execute(words);
  }
  const bool is_copy = words.at(0) == "cp-stopped";  // talks in words of its own, until the other side is gone
  try {
    dispatch(engine, words, channel);
    if (!is_copy) answer(channel, success);
    return 0;
  } catch (const base::Error& error) {
    answer(channel, base::concat(is_copy ? copy_words::failure : std::string_view{}, encode_error(error)));
    return 125;
  }
}

int unshare(Engine& engine, const std::vector<std::string>& command_words) {
  base::Command command{.path = own_program("engine"), .argv = {"engine"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_inside", "unshare"});
  std::vector<std::string> words = command_words;
  if (words.empty()) words = {rootless::environment("SHELL").value_or("/bin/sh")};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  // The command shares our terminal: Ctrl-C is for it alone, and its status is ours.
  const base::SignalFd ignored{SIGINT, SIGQUIT};
  if (may_be_chroot(engine) && find_namespaces(engine).is_chroot())
    throw make_error(ErrorKind::unsupported, "no user namespace can be made here, and there is none to enter");
  rootless::MappedChild child = rootless::spawn_in_user_namespace(std::move(command), engine.host.id_map, engine.host);
  return child.process.wait().code;
}

}  // namespace engine
