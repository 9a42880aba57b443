#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "engine/chroot_mode.hpp"
#include "engine/container_rootfs.hpp"
#include "engine/copy_files.hpp"
#include "engine/copy_place.hpp"
#include "engine/copy_words.hpp"
#include "engine/error_bytes.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"
#include "storage/tree_stream.hpp"

// The helper's half of cp (copy_files.hpp).

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr int channel_number = 3, user_namespace_number = 4, root_number = 5;
constexpr std::string_view subpath_option = "x-engine.subpath=";

std::uint32_t number_of(const std::string& text) {
  return static_cast<std::uint32_t>(base::parse_unsigned(text).value_or(0));
}

void send_place(const base::Channel& channel, int root, const std::string& path) {
  const CopyPlace place = find_copy_place(root, path);
  const char has_parent = place.dir ? '+' : '-';
  channel.send(base::concat(copy_words::place, static_cast<char>(place.kind), has_parent, place.name));
}

void send_tree(const base::Channel& channel, int root, const std::string& path) {
  const CopyPlace place = find_copy_place(root, path);
  CopyChannelSink sink(channel);
  if (place.kind == CopyPlace::Kind::missing) throw make_error(ErrorKind::not_found, quoted(path), " vanished");
  place.kind == CopyPlace::Kind::directory ? storage::send_directory(place.dir.get(), sink)
                                           : storage::send_file(place.dir.get(), place.name, sink);
  sink.finish();
}

/// Words: put, directory, name in it, "overwrite", owner: "keep" or uid, gid, "links".
void receive_tree(const base::Channel& channel, int root, const std::vector<std::string>& words) {
  const CopyPlace place = find_copy_place(root, words.at(1));
  if (place.kind != CopyPlace::Kind::directory)
    throw make_error(ErrorKind::not_found, quoted(words.at(1)), " vanished");
  storage::ReceiveOptions options{.overwrite = words.at(3) == "overwrite", .set_owner = true};
  options.keep_owner = words.at(4) == "keep";
  if (!options.keep_owner) options.uid = number_of(words.at(4));
  options.gid = number_of(words.at(5));
  if (words.at(6) == "links") {
    options.root = root;
    options.base_path = words.at(1);
  }
  storage::TreeReceiver receiver(place.dir.get(), words.at(2), options);
  receive_entries(channel, receiver);
  receiver.finish();
  channel.send(copy_words::end);
}

void serve(const base::Channel& channel, int root) {
  ::umask(0);
  while (const auto request = channel.receive()) {
    std::vector<std::string> words;
    for (const std::string_view word : base::split(request->bytes, '\0')) words.emplace_back(word);
    try {
      if (words.at(0) == "stat")
        send_place(channel, root, words.at(1));
      else if (words.at(0) == "get")
        send_tree(channel, root, words.at(1));
      else
        receive_tree(channel, root, words);
    } catch (const base::Error& error) {
      channel.send(base::concat(copy_words::failure, encode_error(error)));
      return;
    }
  }
}

bool is_users(const runtime::Mount& mount, const std::string& id) {
  const std::string& at = mount.destination;
  const bool is_system = at == "/dev" || at.starts_with("/dev/") || at == "/proc" || at.starts_with("/sys");
  return mount.type == "bind" && !is_system && mount.source.find(id) == std::string::npos;
}

/// A volume or a directory of the host where the container will have it.
void attach_users(const runtime::Mount& mount, int root) {
  base::UniqueFd source{::open(mount.source.c_str(), O_PATH | O_CLOEXEC)};
  if (!source) throw base::os_error("opening ", quoted(mount.source));
  bool read_only = false;
  for (const std::string& option : mount.options) {
    read_only = read_only || option == "ro";
    if (option.starts_with(subpath_option))
      source = base::open_in_root(source.get(), option.substr(subpath_option.size()), O_PATH);
  }
  struct stat info {};
  if (::fstat(source.get(), &info) != 0) throw base::os_error("looking at ", quoted(mount.source));
  base::UniqueFd target = base::try_open_in_root(root, mount.destination, O_PATH);
  if (!target)
    target = S_ISDIR(info.st_mode) ? base::make_directories_in_root(root, mount.destination).fd
                                   : base::make_file_in_root(root, mount.destination);
  const base::UniqueFd clone = base::clone_tree(source.get(), "", true);
  base::attach(clone.get(), target.get());
  if (read_only) base::set_attributes(clone.get(), MOUNT_ATTR_RDONLY, 0, true);
}

}  // namespace

int serve_copy_running() {
  const base::Channel channel{base::UniqueFd{channel_number}};
  const base::UniqueFd root{root_number};
  try {
    rootless::join_user_namespace(user_namespace_number);
    serve(channel, root.get());
    return 0;
  } catch (const base::Error& error) {
    channel.send(base::concat(copy_words::failure, encode_error(error)));
    return 125;
  }
}

void serve_copy_stopped(Engine& engine, const std::string& id, const base::Channel& channel) {
  const auto container = storage::open_container(engine.store(), id);
  if (!container) throw make_error(ErrorKind::not_found, "no container with id ", quoted(id));
  const storage::ContainerRecord record = storage::read_record(*container);
  const std::string config = storage::read_config_json(*container, runtime::max_spec_bytes);
  const runtime::Spec spec = runtime::parse_spec(config, "config.json of the container");
  ContainerRootfs rootfs = mount_container_rootfs(engine, plan_container_rootfs(engine, *container, record));
  // Opened first: a server of fuse-overlayfs has found its directories then, which lie where this will be mounted.
  const base::UniqueFd root{::openat(rootfs.mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root) throw base::os_error("opening the container's root");
  if (is_chroot_spec(spec)) return serve(channel, root.get());  // nothing is mounted, and nothing can be
  base::attach(rootfs.mount.get(), container->dir.get());
  for (const runtime::Mount& one : spec.mounts)
    if (is_users(one, id)) attach_users(one, root.get());
  serve(channel, root.get());
}

}  // namespace engine
