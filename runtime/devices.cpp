#include "runtime/devices.hpp"

#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"

namespace runtime {
namespace {

struct StandardDevice {
  const char* name;
  unsigned major;
  unsigned minor;
};

constexpr StandardDevice standard_devices[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

struct DevLink {
  const char* name;
  const char* target;
};

constexpr DevLink dev_links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
};

constexpr std::string_view dev_prefix = "/dev/";

base::UniqueFd clone_device(const std::string& path, mode_t type, dev_t number) {
  base::UniqueFd tree = base::clone_tree(AT_FDCWD, path, false);
  struct stat status {};
  if (::fstat(tree.get(), &status) != 0) throw base::os_error("examining ", base::quoted(path));
  if ((status.st_mode & S_IFMT) != type || status.st_rdev != number)
    throw base::make_error(base::ErrorKind::unsupported, "the host's ", base::quoted(path), " is not device ",
                           major(number), ":", minor(number));
  return tree;
}

// An empty file to mount on. Exists already only when the spec names a device twice.
void make_mount_point(int directory, const char* name) {
  if (::mknodat(directory, name, S_IFREG | 0644, 0) != 0 && errno != EEXIST)
    throw base::os_error("creating \"/dev/", name, "\"");
}

bool is_standard(const std::string& path) {
  for (const StandardDevice& device : standard_devices)
    if (path == base::concat(dev_prefix, device.name)) return true;
  return false;
}

mode_t file_type(char type) {
  return type == 'b' ? S_IFBLK : S_IFCHR;
}

bool lies_in_dev(const std::string& path) {
  return path.starts_with(dev_prefix);
}

void bind_device(int root, const HostDevice& device, const std::string& path) {
  const base::UniqueFd target = base::make_file_in_root(root, path);
  base::attach(device.tree.get(), target.get());
}

}  // namespace

HostDevices clone_host_devices(const std::vector<Device>& devices) {
  HostDevices result;
  for (const StandardDevice& device : standard_devices) {
    const std::string path = base::concat(dev_prefix, device.name);
    result.standard.push_back({path, clone_device(path, S_IFCHR, makedev(device.major, device.minor))});
  }
  for (const Device& device : devices) {
    if (is_standard(device.path)) continue;
    if (device.type == 'p')
      throw base::make_error(base::ErrorKind::unsupported, "device ", base::quoted(device.path),
                             ": type p is not supported");
    result.others.push_back(
        {device.path, clone_device(device.path, file_type(device.type), makedev(device.major, device.minor))});
  }
  return result;
}

void populate_dev(int dev, const HostDevices& devices) {
  for (const HostDevice& device : devices.standard) {
    const std::string name = device.path.substr(dev_prefix.size());
    make_mount_point(dev, name.c_str());
    base::attach_at(device.tree.get(), dev, name);
  }
  for (const DevLink& link : dev_links)
    if (::symlinkat(link.target, dev, link.name) != 0) throw base::os_error("linking \"/dev/", link.name, "\"");
  for (const HostDevice& device : devices.others)
    if (lies_in_dev(device.path)) bind_device(dev, device, device.path.substr(dev_prefix.size()));
}

void bind_other_devices(int root, const HostDevices& devices) {
  for (const HostDevice& device : devices.others)
    if (!lies_in_dev(device.path)) bind_device(root, device, device.path);
}

void bind_console(int dev, int terminal_slave) {
  make_mount_point(dev, "console");
  base::attach_at(base::clone_tree(terminal_slave, "", false).get(), dev, "console");
}

}  // namespace runtime
