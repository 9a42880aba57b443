#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/open_source.hpp"

namespace registry {

namespace {

constexpr std::string_view file_transports[] = {"oci", "oci-archive", "docker-archive", "dir"};
constexpr std::string_view other_transports[] = {"docker-daemon", "containers-storage", "sif", "tarball", "ostree"};

template <std::size_t Count>
bool holds(const std::string_view (&names)[Count], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

base::Error unknown_transport(std::string_view text, std::string_view hint) {
  return base::make_error(base::ErrorKind::invalid_argument, "no such image source: ", base::quoted(text))
      .with_hint(std::string{hint});
}

}  // namespace

SourceName parse_source_name(std::string_view text) {
  if (text.empty()) throw base::Error(base::ErrorKind::invalid_argument, "the image name is empty");
  const auto parts = base::split_once(text, ':');
  if (!parts) return {"docker", std::string{text}};
  const auto& [transport, rest] = *parts;
  const bool has_slashes = rest.substr(0, 2) == "//";
  if (transport == "docker" && has_slashes) {
    if (rest.size() == 2) throw base::Error(base::ErrorKind::invalid_argument, "\"docker://\" without an image name");
    return {"docker", std::string{rest.substr(2)}};
  }
  if (holds(file_transports, transport)) {
    if (rest.empty() || rest.front() == ':')
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " names no file");
    return {std::string{transport}, std::string{rest}};
  }
  if (holds(other_transports, transport))
    throw base::make_error(base::ErrorKind::unsupported, "the image source ", base::quoted(transport),
                           ": is not supported")
        .with_hint("use docker://, oci:, oci-archive:, docker-archive: or dir:");
  if (transport == "http" || transport == "https") throw unknown_transport(text, "leave the scheme out: HOST/NAME:TAG");
  if (has_slashes) throw unknown_transport(text, "use docker://, oci:, oci-archive:, docker-archive: or dir:");
  return {"docker", std::string{text}};  // "busybox:latest", "localhost:5000/x"
}

}  // namespace registry
