#include "runtime/devices.hpp"

#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

using base::ErrorKind;
using base::UniqueFd;

constexpr mode_t usual_mode = 0666;
constexpr std::size_t max_uevent_bytes = 4096;
constexpr std::string_view dev_prefix = "/dev/";

struct StandardDevice {
  const char* path;
  unsigned major;
  unsigned minor;
};

constexpr StandardDevice standard_devices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

struct DevLink {
  const char* name;
  const char* target;
};

constexpr DevLink dev_links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
};

mode_t type_of(const Device& device) {
  if (device.type == 'p') return S_IFIFO;
  return device.type == 'b' ? S_IFBLK : S_IFCHR;
}

bool is_node_of(const struct stat& status, const Device& device) {
  if ((status.st_mode & S_IFMT) != type_of(device)) return false;
  return device.type == 'p' || status.st_rdev == makedev(device.major, device.minor);
}

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::os_error("examining ", base::quoted(path));
  return status;
}

/// The mount of the host's node at `path`, if it is this device there.
UniqueFd clone_node(const std::string& path, const Device& device) {
  const UniqueFd node{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!node || !is_node_of(status_of(node.get(), path), device)) return {};
  if (!base::has_open_tree()) return base::duplicate(node.get());  // cloned when it is bound
  UniqueFd tree = base::clone_tree(AT_FDCWD, path, false);
  // Another may have been put there since; what counts is what we hold.
  return is_node_of(status_of(tree.get(), path), device) ? std::move(tree) : UniqueFd{};
}

UniqueFd find_node(const Device& device) {
  if (device.type == 'p') return {};
  if (UniqueFd tree = clone_node(device.path, device)) return tree;
  const std::string uevent =
      base::concat("/sys/dev/", device.type == 'b' ? "block/" : "char/", device.major, ":", device.minor, "/uevent");
  const auto text = base::try_read_file(AT_FDCWD, uevent, max_uevent_bytes);
  const auto path = text ? device_path_of(*text) : std::nullopt;
  return path ? clone_node(*path, device) : UniqueFd{};
}

bool is_standard(const std::string& path) {
  for (const StandardDevice& device : standard_devices)
    if (path == device.path) return true;
  return false;
}

bool lies_in_dev(const std::string& path) {
  return path.starts_with(dev_prefix);
}

void set_owner_and_mode(int directory, const std::string& name, const Device& device) {
  // Another container may share this directory and have replaced it since.
  const UniqueFd node = base::open_beneath(directory, name, O_PATH | O_NOFOLLOW);
  if (!is_node_of(status_of(node.get(), name), device))
    throw base::make_error(ErrorKind::internal, "it was replaced while the container started");
  if (::fchownat(node.get(), "", device.uid, device.gid, AT_EMPTY_PATH) != 0)
    throw base::os_error("giving it to user ", device.uid, " and group ", device.gid);
  const std::string link = base::concat("/proc/self/fd/", node.get());
  if (::chmod(link.c_str(), device.file_mode.value_or(usual_mode)) != 0) throw base::os_error("setting its mode");
}

/// Whether the kernel lets us make nodes, asked by making one; in a user namespace it never does.
bool can_make_nodes(int directory) {
  const std::string name = ".node-" + base::random_hex(8);
  if (::mknodat(directory, name.c_str(), S_IFCHR, makedev(1, 3)) != 0) return false;
  base::unlink_file(directory, name);
  return true;
}

/// An existing entry serves only if it is the same device. Source: config-linux.md "Devices". Where nodes are bound,
/// an empty file does, too: it is the place that an earlier container in this root file system has made for its own.
bool is_there_already(int directory, const std::string& name, const Device& device) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) throw base::os_error("examining it");
  if (is_node_of(status, device)) return true;
  if (!S_ISREG(status.st_mode) || status.st_size != 0 || can_make_nodes(directory))
    throw base::make_error(ErrorKind::already_exists, "something else is there already");
  return false;
}

void bind_node(int directory, const std::string& name, const HostDevice& entry) {
  if (!entry.tree)
    throw base::make_error(ErrorKind::unsupported, "device nodes cannot be made here, and the host has no node of ",
                           entry.device.type == 'b' ? "block" : "character", " device ", entry.device.major, ":",
                           entry.device.minor);
  if (::mknodat(directory, name.c_str(), S_IFREG | 0644, 0) != 0 && errno != EEXIST)
    throw base::os_error("making a place for it");
  const UniqueFd target = base::open_beneath(directory, name, O_PATH | O_NOFOLLOW);
  if (base::has_open_tree()) return base::attach(entry.tree.get(), target.get());
  base::attach(base::clone_tree(entry.tree.get(), "", false).get(), target.get());
}

void make_node(int directory, const std::string& name, const HostDevice& entry) {
  const Device& device = entry.device;
  const dev_t number = device.type == 'p' ? 0 : makedev(device.major, device.minor);
  if (::mknodat(directory, name.c_str(), type_of(device) | 0600, number) == 0)
    return set_owner_and_mode(directory, name, device);
  if (errno != EEXIST && errno != EPERM) throw base::os_error("making the node");
  if (errno == EEXIST && is_there_already(directory, name, device)) return;
  bind_node(directory, name, entry);
}

void make_device(int root, const std::string& path, const HostDevice& entry) {
  base::with_context(
      [&] {
        const std::size_t slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "/" : path.substr(0, slash + 1);
        make_node(base::make_directories_in_root(root, folder).fd.get(), path.substr(slash + 1), entry);
      },
      "device ", base::quoted(entry.device.path));
}

}  // namespace

std::optional<std::string> device_path_of(std::string_view uevent) {
  constexpr std::string_view key = "DEVNAME=";
  for (const std::string_view line : base::split(uevent, '\n'))
    if (line.starts_with(key) && line.size() > key.size() && line.find("..") == std::string_view::npos)
      return base::concat(dev_prefix, line.substr(key.size()));
  return std::nullopt;
}

HostDevices clone_host_devices(const std::vector<Device>& devices) {
  HostDevices result;
  for (const StandardDevice& entry : standard_devices) {
    const Device device{.path = entry.path, .major = entry.major, .minor = entry.minor};
    UniqueFd tree = clone_node(device.path, device);
    if (!tree)
      throw base::make_error(ErrorKind::unsupported, "the host's ", base::quoted(device.path), " is not device ",
                             device.major, ":", device.minor);
    result.standard.push_back({device, std::move(tree)});
  }
  const Device null{.path = standard_devices[0].path, .major = 1, .minor = 3};
  result.mask = clone_node(null.path, null);
  for (const Device& device : devices)
    if (!is_standard(device.path)) result.others.push_back({device, find_node(device)});
  return result;
}

void populate_dev(int dev, const HostDevices& devices) {
  for (const HostDevice& entry : devices.standard) make_device(dev, entry.device.path.substr(dev_prefix.size()), entry);
  for (const DevLink& link : dev_links)
    if (::symlinkat(link.target, dev, link.name) != 0) throw base::os_error("linking \"/dev/", link.name, "\"");
  for (const HostDevice& entry : devices.others)
    if (lies_in_dev(entry.device.path)) make_device(dev, entry.device.path.substr(dev_prefix.size()), entry);
}

void make_other_devices(int root, const HostDevices& devices) {
  for (const HostDevice& entry : devices.others)
    if (!lies_in_dev(entry.device.path)) make_device(root, entry.device.path, entry);
}

void bind_console(int dev, int terminal_slave) {
  if (::mknodat(dev, "console", S_IFREG | 0644, 0) != 0 && errno != EEXIST)
    throw base::os_error("making \"/dev/console\"");
  base::attach_at(base::clone_tree(terminal_slave, "", false).get(), dev, "console");
}

}  // namespace runtime
