#include "registry/certificates.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_certificate_bytes = 1024 * 1024;

bool ends_with(std::string_view text, std::string_view ending) {
  return text.size() > ending.size() && text.substr(text.size() - ending.size()) == ending;
}

/// Sorted names; nothing when there is no such folder or we may not look.
std::optional<std::vector<std::string>> names_in(const std::string& folder) {
  const base::UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return std::nullopt;
  return base::list_directory(fd.get(), ".");
}

void read_folder(const std::string& folder, const std::vector<std::string>& names, TlsSettings& tls) {
  for (const std::string& name : names) {
    const std::string path = base::concat(folder, "/", name);
    if (ends_with(name, ".crt")) {
      if (const auto text = base::try_read_host_file(path, max_certificate_bytes)) tls.authorities += *text + "\n";
    }
    if (!ends_with(name, ".cert") || !tls.client_certificate.empty()) continue;
    const std::string key = base::concat(name.substr(0, name.size() - 5), ".key");
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw base::make_error(base::ErrorKind::invalid_argument, "client certificate ", base::quoted(path), " has no ",
                             base::quoted(key), " beside it");
    tls.client_certificate = path;
    tls.client_key = base::concat(folder, "/", key);
  }
}

}  // namespace

TlsSettings load_tls_settings(std::string_view domain, bool verify, const RegistryOptions& options) {
  TlsSettings tls;
  tls.verify = verify;
  std::vector<std::string> folders;
  if (!options.cert_dir.empty()) {
    folders.push_back(options.cert_dir);
  } else {
    for (const std::string& folder : options.certs_dirs) folders.push_back(base::concat(folder, "/", domain));
  }
  if (!folders.empty()) tls.advice_folder = folders.front();
  for (const std::string& folder : folders) {
    const std::optional<std::vector<std::string>> names = names_in(folder);
    if (!names) {
      if (options.cert_dir.empty()) continue;
      throw base::os_error("opening --cert-dir ", base::quoted(folder));
    }
    read_folder(folder, *names, tls);
    break;
  }
  return tls;
}

}  // namespace registry
