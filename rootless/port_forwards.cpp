#include "rootless/port_forwards.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr std::size_t max_answer_bytes = 64 * 1024;

/// One connection per question. Through /proc, since sun_path is short and the folder's path may not be.
std::string ask(int folder, const std::string& name, const std::string& question) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  concat("/proc/self/fd/", folder, '/', name).copy(address.sun_path, sizeof address.sun_path - 1);
  const base::UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) throw base::os_error("making a socket");
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw base::os_error("connecting to slirp4netns");
  if (::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    throw base::os_error("asking slirp4netns to forward a port");
  ::shutdown(fd.get(), SHUT_WR);
  return base::with_context([&] { return base::read_to_end(fd.get(), max_answer_bytes); },
                            "waiting for slirp4netns to forward a port");
}

std::string question_for(const PortMapping& mapping, unsigned offset) {
  base::JsonWriter json;
  json.begin_object().member("execute", "add_hostfwd").key("arguments").begin_object();
  json.member("proto", mapping.protocol);
  json.member("host_addr", mapping.host_ip.empty() ? std::string{"0.0.0.0"} : mapping.host_ip);
  json.member("host_port", static_cast<std::int64_t>(mapping.host_port + offset));
  json.member("guest_port", static_cast<std::int64_t>(mapping.container_port + offset));
  json.end_object().end_object();
  return json.take();
}

std::string range_text(unsigned first, unsigned count) {
  return count == 1 ? std::to_string(first) : concat(first, '-', first + count - 1);
}

bool names_option(const std::vector<std::string>& words, std::string_view letter, std::string_view name) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word == letter || word == name || word.starts_with(concat(name, '='));
  });
}

}  // namespace

void forward_by_slirp4netns(int folder, const std::string& name, const std::vector<PortMapping>& mappings) {
  for (const PortMapping& mapping : mappings) {
    for (unsigned offset = 0; offset < mapping.count; ++offset) {
      const std::string answer = ask(folder, name, question_for(mapping, offset));
      if (answer.find("\"error\"") == std::string::npos && answer.find("\"return\"") != std::string::npos) continue;
      throw make_error(ErrorKind::command_not_usable, "publishing port ", mapping.host_port + offset, '/',
                       mapping.protocol, ": slirp4netns answered ", base::trim(answer));
    }
  }
  base::unlink_file(folder, name);
}

std::vector<std::string> pasta_port_words(const std::vector<PortMapping>& mappings,
                                          const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (const PortMapping& mapping : mappings) {
    const std::string address = mapping.host_ip.empty() ? "" : concat(mapping.host_ip, '/');
    result.emplace_back(mapping.protocol == "udp" ? "-u" : "-t");
    result.push_back(concat(address, range_text(mapping.host_port, mapping.count), ':',
                            range_text(mapping.container_port, mapping.count)));
  }
  const auto none_unless_named = [&](const char* letter, const char* name) {
    if (names_option(words, letter, name) || names_option(result, letter, name)) return;
    result.insert(result.end(), {letter, "none"});
  };
  none_unless_named("-t", "--tcp-ports");
  none_unless_named("-u", "--udp-ports");
  none_unless_named("-T", "--tcp-ns");
  none_unless_named("-U", "--udp-ns");
  return result;
}

bool needs_pasta(const std::vector<PortMapping>& mappings) {
  return std::any_of(mappings.begin(), mappings.end(), [](const PortMapping& one) { return is_ipv6(one.host_ip); });
}

void check_protocols(const std::vector<PortMapping>& mappings) {
  for (const PortMapping& mapping : mappings)
    if (mapping.protocol == "sctp")
      throw make_error(ErrorKind::unsupported, "publishing port ", mapping.container_port,
                       "/sctp: neither slirp4netns nor pasta forwards SCTP");
}

}  // namespace rootless
