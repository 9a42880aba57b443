// The processes of ours that call another OCI runtime, in its namespaces.

#include <climits>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "base/text.hpp"
#include "engine/container_rootfs.hpp"
#include "engine/error_bytes.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/external_runtime_words.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/init_setup.hpp"
#include "runtime/kernel.hpp"
#include "runtime/rootfs.hpp"
#include "storage/containers.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

void make_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) throw base::os_error("making a mount namespace");
  base::mount_path("none", "/", "", MS_REC | MS_SLAVE, "");
}

base::Channel enter_namespaces(const HelperWords& words) {
  if (!words.is_root) return rootless::enter_mapped_namespace(true, words.keeps_groups);
  base::set_close_on_exec(helper_channel_number, true);
  base::Channel channel{base::UniqueFd{helper_channel_number}};
  make_mount_namespace();
  return channel;
}

/// What the helper got to know of its container before it left the host's user namespace.
struct Bundle {
  storage::ContainerDir container;
  storage::ContainerRecord record;
  base::UniqueFd folder;
};

Bundle open_bundle(Engine& engine, const std::string& id) {
  auto container = storage::open_container(engine.store(), id);
  if (!container) throw make_error(ErrorKind::not_found, "the container was removed while it was being started");
  Bundle bundle{.container = std::move(*container), .record = {}, .folder = {}};
  bundle.record = storage::read_record(bundle.container);
  bundle.folder = open_oci_folder(bundle.container);
  return bundle;
}

void give_to_root(const base::Channel& channel, const HelperWords& words) {
  const auto go = channel.receive();
  if (!go || go->bytes != word_go) throw make_error(ErrorKind::internal, "the keeper is gone");
  for (const base::UniqueFd& entry : go->fds)
    if (::fchownat(entry.get(), "", words.uid, words.gid, AT_EMPTY_PATH) != 0)
      throw base::os_error("giving the container's files to its root");
}

void mount_root(Engine& engine, const HelperWords& words, const Bundle& bundle, const base::Channel& channel) {
  base::RootfsMount plan = plan_container_rootfs(engine, bundle.container, bundle.record);
  plan.volatile_upper = bundle.record.auto_remove;
  const auto serve = [&](int fuse) {
    channel.send(word_fuse, {fuse});
    const auto served = channel.receive();
    if (!served || served->bytes != word_served) throw make_error(ErrorKind::internal, "the keeper is gone");
  };
  const base::UniqueFd mount =
      runtime::mount_rootfs(runtime::reopen_rootfs(plan), runtime::running_kernel_features(), serve);
  runtime::link_mtab(mount.get(), {.uid = words.uid, .gid = words.gid});
  // By path, in our own mount namespace: a descriptor from before it was made is of no use here.
  const base::UniqueFd place = base::open_directory(
      AT_FDCWD, words.root_place.empty() ? concat(folder_path(bundle.folder.get()), "/", oci_root) : words.root_place);
  base::attach(mount.get(), place.get());
}

/// crun works on no host that has both versions of cgroups at once, also when it shall leave them alone: in our mount
/// namespace there is version 2 only, where the container's own is.
void show_one_cgroup_version(const rootless::HostFacts& host) {
  if (host.cgroup != rootless::CgroupMode::hybrid) return;
  const base::UniqueFd unified{::open("/sys/fs/cgroup/unified", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const base::UniqueFd place{::open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (unified && place) base::attach(base::clone_tree(unified.get(), "", false).get(), place.get());
}

std::vector<std::string> creation(const HelperWords& words) {
  std::vector<std::string> call{"create", "--bundle=.", concat("--pid-file=", oci_pid)};
  if (words.terminal) call.push_back(concat("--console-socket=", oci_console));
  if (words.preserved > 0) call.push_back(concat("--preserve-fds=", words.preserved));
  call.push_back(words.container);
  return call;
}

/// One byte from `engine start`; false when the container ended before.
bool wait_for_start() {
  char byte = 0;
  return base::read_full(helper_start_number, &byte, 1) == 1;
}

/// @throws external_error.
void must_call(const HelperWords& words, int folder, std::vector<std::string> call, unsigned preserved = 0) {
  const std::string verb = call.front();
  const int status = call_runtime({words.runtime, folder, "", std::move(call), preserved, 0022});
  if (status != 0) throw external_error(words.runtime, folder, verb, status);
}

/// Nobody listens any more but who reads this file once we have ended.
void start_and_note(const HelperWords& words, int folder) {
  std::string verdict{word_started};
  try {
    must_call(words, folder, {"start", words.container});
  } catch (const base::Error& error) {
    verdict = encode_error(error);
  }
  base::write_file_atomically(folder, oci_verdict, verdict, base::Durability::volatile_);
}

void create_and_start(Engine& engine, const HelperWords& words, const Bundle& bundle, const base::Channel& channel) {
  give_to_root(channel, words);
  mount_root(engine, words, bundle, channel);
  show_one_cgroup_version(engine.host);
  const int folder = bundle.folder.get();
  must_call(words, folder, creation(words), words.preserved);
  channel.send(word_created);
  if (words.waits) {
    if (wait_for_start()) start_and_note(words, folder);
    return;
  }
  const auto start = channel.receive();
  if (!start || start->bytes != word_start) return;  // the keeper gave up, and ends the container
  must_call(words, folder, {"start", words.container});
  channel.send(word_started);
}

}  // namespace

std::string folder_path(int folder) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink(concat("/proc/self/fd/", folder).c_str(), path, sizeof path);
  if (size < 0) throw base::os_error("asking for the path of a container's folder");
  return {path, static_cast<std::size_t>(size)};
}

std::vector<std::string> to_words(const HelperWords& words) {
  std::vector<std::string> result{
      words.container,           concat(words.uid),          concat(words.gid),       concat(words.preserved),
      words.is_root ? "1" : "0", words.terminal ? "1" : "0", words.waits ? "1" : "0", words.keeps_groups ? "1" : "0",
      words.root_place,          words.runtime.name,         words.runtime.path};
  result.insert(result.end(), words.runtime.flags.begin(), words.runtime.flags.end());
  return result;
}

HelperWords parse_helper_words(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t index) {
    return static_cast<std::uint32_t>(base::parse_unsigned(words.at(index)).value_or(0));
  };
  return {.container = words.at(1),
          .uid = number(2),
          .gid = number(3),
          .preserved = number(4),
          .is_root = words.at(5) == "1",
          .terminal = words.at(6) == "1",
          .waits = words.at(7) == "1",
          .keeps_groups = words.at(8) == "1",
          .root_place = words.at(9),
          .runtime = {words.at(10), words.at(11), {words.begin() + 12, words.end()}}};
}

bool is_host_root(const rootless::HostFacts& host) {
  return host.uid == 0 && host.writes_maps && ::prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1;
}

int call_runtime(const ExternalCall& call) {
  const std::string folder = folder_path(call.folder);
  const std::string work = call.work_folder.empty() ? folder : concat(folder, "/", call.work_folder);
  if (::chdir(work.c_str()) != 0) throw base::os_error("changing to ", base::quoted(work));
  base::Command command{
      .path = call.runtime.path,
      .argv = external_call(call.runtime, concat(folder, "/", oci_state), concat(work, "/", oci_log))};
  command.argv.insert(command.argv.end(), call.words.begin(), call.words.end());
  command.env = external_environment();
  for (int i = 0; i < static_cast<int>(call.preserved); ++i)
    command.fds.emplace_back(helper_preserved_number + i, 3 + i);
  ::umask(call.umask);
  return base::spawn(command).wait().code;
}

std::vector<std::string> to_words(CallPlace place, const ExternalCall& call) {
  std::vector<std::string> words{std::string{static_cast<char>(place)},     call.work_folder,  concat(call.preserved),
                                 concat(static_cast<unsigned>(call.umask)), call.runtime.name, call.runtime.path,
                                 concat(call.runtime.flags.size())};
  words.insert(words.end(), call.runtime.flags.begin(), call.runtime.flags.end());
  words.insert(words.end(), call.words.begin(), call.words.end());
  return words;
}

/// The parent moves this process to the container's cgroup, and closes the pipe.
void wait_for_cgroup() {
  char byte = 0;
  base::read_full(call_gate_number, &byte, 1);
  ::fcntl(call_gate_number, F_SETFD, FD_CLOEXEC);
}

int call_externally_inside(const rootless::HostFacts& host, const std::vector<std::string>& words) {
  const auto place = static_cast<CallPlace>(words.at(1).at(0));
  if (place == CallPlace::joined) rootless::join_user_namespace(call_user_namespace_number);
  if (place == CallPlace::mapped) rootless::enter_mapped_namespace(false).close();
  if (place == CallPlace::here) {
    make_mount_namespace();
    show_one_cgroup_version(host);
  }
  wait_for_cgroup();
  const auto number = [&](std::size_t index) { return base::parse_unsigned(words.at(index)).value_or(0); };
  const auto flags = static_cast<std::ptrdiff_t>(number(7));
  const ExternalRuntime runtime{words.at(5), words.at(6), {words.begin() + 8, words.begin() + 8 + flags}};
  return call_runtime({.runtime = runtime,
                       .folder = call_folder_number,
                       .work_folder = words.at(2),
                       .words = {words.begin() + 8 + flags, words.end()},
                       .preserved = static_cast<unsigned>(number(3)),
                       .umask = static_cast<mode_t>(number(4))});
}

int start_externally_inside(Engine& engine, const std::vector<std::string>& words) {
  const HelperWords parsed = parse_helper_words(words);
  const Bundle bundle = open_bundle(engine, parsed.container);
  const base::Channel channel = enter_namespaces(parsed);
  try {
    create_and_start(engine, parsed, bundle, channel);
    return 0;
  } catch (const base::Error& error) {
    try {
      channel.send(encode_error(error));
    } catch (const base::Error&) {  // nobody is left to be told
    }
    return 125;
  }
}

}  // namespace engine
