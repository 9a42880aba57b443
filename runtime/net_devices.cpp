#include "runtime/net_devices.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <map>
#include <net/if.h>
#include <optional>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"

// Kernel and process exchange rtnetlink messages: a header, a fixed struct, attributes. All in host byte order.

namespace runtime {
namespace {

using base::UniqueFd;

constexpr std::size_t receive_bytes = 64 * 1024;

/// A request under construction.
class Message {
 public:
  template <class Fixed>
  Message(std::uint16_t type, int flags, const Fixed& fixed) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&fixed, sizeof fixed);
  }

  void add(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr header{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&header, sizeof header);
    append(data, size);
  }

  const std::string& finish() {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof size);  // nlmsg_len is first
    return bytes_;
  }

 private:
  void append(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::string bytes_;
};

/// A socket in one network namespace: that of the process when it was made.
class Netlink {
 public:
  Netlink() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    if (!fd_) throw base::os_error("opening a netlink socket");
  }

  /// Sends, and waits for the kernel's verdict. @throws Error with the kernel's errno.
  void change(Message message) const {
    exchange(message.finish(), [](const nlmsghdr&) {});
  }

  /// Calls `take` with every object of a dump.
  void dump(Message message, const std::function<void(const nlmsghdr&)>& take) const {
    exchange(message.finish(), take);
  }

 private:
  void exchange(const std::string& request, const std::function<void(const nlmsghdr&)>& take) const {
    if (::send(fd_.get(), request.data(), request.size(), 0) < 0) throw base::os_error("asking the kernel by netlink");
    while (!take_answer(take)) {
    }
  }

  // true: it was the last one.
  bool take_answer(const std::function<void(const nlmsghdr&)>& take) const {
    std::vector<char> buffer(receive_bytes);
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) return false;
    if (got < 0) throw base::os_error("reading the kernel's answer by netlink");
    auto left = static_cast<unsigned>(got);
    for (auto* at = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_type == NLMSG_DONE) return true;
      if (at->nlmsg_type == NLMSG_ERROR) {
        const int code = -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error;
        if (code != 0) throw base::error_from_code(code, "netlink");
        return true;
      }
      take(*at);
    }
    return false;
  }

  UniqueFd fd_;
};

struct Address {
  ifaddrmsg fixed{};
  std::vector<std::pair<std::uint16_t, std::string>> attributes;
};

// IFA_LABEL holds the old name; IFA_CACHEINFO belongs to addresses that expire.
bool is_kept(std::uint16_t attribute) {
  return attribute == IFA_ADDRESS || attribute == IFA_LOCAL || attribute == IFA_BROADCAST ||
         attribute == IFA_RT_PRIORITY;
}

Address read_address(const nlmsghdr& message) {
  Address address;
  std::memcpy(&address.fixed, NLMSG_DATA(&message), sizeof address.fixed);
  std::uint32_t flags = address.fixed.ifa_flags;
  auto left = static_cast<unsigned>(message.nlmsg_len - NLMSG_LENGTH(sizeof(ifaddrmsg)));
  auto* at = reinterpret_cast<rtattr*>(static_cast<char*>(NLMSG_DATA(&message)) + NLMSG_ALIGN(sizeof(ifaddrmsg)));
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    const std::string value(static_cast<const char*>(RTA_DATA(at)), RTA_PAYLOAD(at));
    if (at->rta_type == IFA_FLAGS && value.size() == sizeof flags) std::memcpy(&flags, value.data(), sizeof flags);
    if (is_kept(at->rta_type)) address.attributes.emplace_back(at->rta_type, value);
  }
  address.fixed.ifa_flags = static_cast<std::uint8_t>(flags & IFA_F_PERMANENT);
  return address;
}

std::vector<Address> permanent_addresses(const Netlink& netlink, unsigned index) {
  std::vector<Address> addresses;
  netlink.dump(Message{RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}}, [&](const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWADDR || message.nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg))) return;
    Address address = read_address(message);
    if (address.fixed.ifa_index == index && address.fixed.ifa_scope == RT_SCOPE_UNIVERSE && address.fixed.ifa_flags)
      addresses.push_back(std::move(address));
  });
  return addresses;
}

std::string name_in(const nlmsghdr& message) {
  auto left = static_cast<unsigned>(message.nlmsg_len - NLMSG_LENGTH(sizeof(ifinfomsg)));
  auto* at = reinterpret_cast<rtattr*>(static_cast<char*>(NLMSG_DATA(&message)) + NLMSG_ALIGN(sizeof(ifinfomsg)));
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left))
    if (at->rta_type == IFLA_IFNAME) return {static_cast<const char*>(RTA_DATA(at))};
  return {};
}

std::map<int, std::string> links(const Netlink& netlink) {
  std::map<int, std::string> names;
  netlink.dump(Message{RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}}, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == RTM_NEWLINK && message.nlmsg_len >= NLMSG_LENGTH(sizeof(ifinfomsg)))
      names[static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_index] = name_in(message);
  });
  return names;
}

// The kernel moves first and renames then; a name that is taken would leave the device inside.
void check_free(const std::map<int, std::string>& taken, const std::string& name) {
  for (const auto& [index, other] : taken)
    if (other == name)
      throw base::make_error(base::ErrorKind::already_exists, "the container has a device ", base::quoted(name));
}

void move_link(const Netlink& netlink, unsigned index, const std::string& name, int target) {
  ifinfomsg fixed{};
  fixed.ifi_index = static_cast<int>(index);
  Message message{RTM_NEWLINK, NLM_F_ACK, fixed};
  message.add(IFLA_NET_NS_FD, &target, sizeof target);
  message.add(IFLA_IFNAME, name.c_str(), name.size() + 1);
  netlink.change(std::move(message));
}

void add_address(const Netlink& netlink, int index, Address address) {
  address.fixed.ifa_index = static_cast<unsigned>(index);
  Message message{RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, address.fixed};
  for (const auto& [type, value] : address.attributes) message.add(type, value.data(), value.size());
  netlink.change(std::move(message));
}

void set_up(const Netlink& netlink, int index) {
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  fixed.ifi_flags = fixed.ifi_change = IFF_UP;
  netlink.change(Message{RTM_NEWLINK, NLM_F_ACK, fixed});
}

// A socket stays in the namespace that it was made in, so the process goes there for a moment only.
Netlink netlink_inside(int target) {
  const UniqueFd home{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!home) throw base::os_error("opening our network namespace");
  if (::setns(target, CLONE_NEWNET) != 0) throw base::os_error("entering the container's network namespace");
  std::optional<Netlink> inside;
  std::optional<base::Error> failure;
  try {
    inside.emplace();
  } catch (const base::Error& error) {
    failure = error;
  }
  if (::setns(home.get(), CLONE_NEWNET) != 0) throw base::os_error("returning to our network namespace");
  if (failure) throw *failure;
  return std::move(*inside);
}

void move_device(const Netlink& here, const Netlink& inside, int target, const std::string& name,
                 const std::string& name_inside) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) throw base::os_error("looking for it");
  const std::vector<Address> addresses = permanent_addresses(here, index);
  const std::map<int, std::string> before = links(inside);
  check_free(before, name_inside);
  move_link(here, index, name_inside, target);
  const std::map<int, std::string> after = links(inside);
  const auto moved =
      std::find_if(after.begin(), after.end(), [&](const auto& link) { return before.count(link.first) == 0; });
  if (moved == after.end())
    throw base::make_error(base::ErrorKind::internal, "it is not in the container's network namespace");
  for (const Address& address : addresses) add_address(inside, moved->first, address);
  set_up(inside, moved->first);
}

}  // namespace

void move_net_devices(const std::vector<std::pair<std::string, std::string>>& devices, pid_t pid) {
  if (devices.empty()) return;
  if (::geteuid() != 0)
    throw base::make_error(base::ErrorKind::permission, "linux.netDevices: only root can move network devices");
  const std::string path = base::concat("/proc/", pid, "/ns/net");
  const UniqueFd target{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!target) throw base::os_error("opening the container's network namespace");
  const Netlink here;
  const Netlink inside = netlink_inside(target.get());
  for (const auto& device : devices) {
    const std::string& name_inside = device.second.empty() ? device.first : device.second;
    base::with_context([&] { move_device(here, inside, target.get(), device.first, name_inside); },
                       "linux.netDevices: moving ", base::quoted(device.first));
  }
}

}  // namespace runtime
