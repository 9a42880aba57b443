#include "registry/tarball.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "registry/archive_file.hpp"
#include "registry/http_client.hpp"
#include "registry/spool.hpp"

namespace registry {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

bool is_url(const std::string& place) {
  return place.starts_with("http://") || place.starts_with("https://");
}

base::UniqueFd download(const std::string& text, const HttpSettings& settings, const SpoolPlace& spool) {
  HttpClient client(settings);
  HttpRequest request;
  request.url = parse_url(text);
  HttpResponse response = client.send(request);
  if (response.status() != 200)
    throw base::make_error(response.status() == 404 ? base::ErrorKind::not_found : base::ErrorKind::network,
                           "the server answered ", response.status());
  Spool file(spool);
  if (response.content_length()) file.expect(*response.content_length());
  while (true) {
    const std::string_view piece = response.read_chunk();
    if (piece.empty()) break;
    file.write(piece);
  }
  if (response.content_length() && *response.content_length() != file.size_bytes())
    throw base::Error(base::ErrorKind::network, "the connection ended early");
  return file.take();
}

base::UniqueFd copy_of(int source, const SpoolPlace& spool) {
  Spool file(spool);
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  while (const std::size_t got = base::read_some(source, buffer.get(), piece_bytes)) file.write({buffer.get(), got});
  return file.take();
}

base::UniqueFd open_file(const std::string& path, const SpoolPlace& spool) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw base::os_error("looking at ", base::quoted(path));
  if (S_ISDIR(status.st_mode))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " is a folder, not a tar");
  return S_ISREG(status.st_mode) ? std::move(fd) : copy_of(fd.get(), spool);
}

}  // namespace

std::shared_ptr<const base::UniqueFd> open_tarball(const std::string& place, const HttpSettings& settings,
                                                   const SpoolPlace& spool) {
  base::UniqueFd fd = is_url(place) ? base::with_context([&] { return download(place, settings, spool); },
                                                         "downloading ", base::quoted(place))
                                    : open_file(place == "-" ? "/dev/stdin" : place, spool);
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) throw base::os_error("going back to the start of ", base::quoted(place));
  if (is_compressed_for_archives_only(fd.get()))
    fd = base::with_context([&] { return uncompressed_copy(fd.get(), spool); }, "uncompressing ", base::quoted(place));
  return std::make_shared<const base::UniqueFd>(std::move(fd));
}

}  // namespace registry
