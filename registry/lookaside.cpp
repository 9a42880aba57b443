#include "registry/lookaside.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "registry/certificates.hpp"
#include "registry/endpoint.hpp"

namespace registry {
namespace {

constexpr std::size_t max_signature_bytes = 4 * 1024 * 1024;
constexpr std::string_view file_scheme = "file://";
constexpr mode_t readable_by_all = 0644;

std::string folder_of(const std::string& url, const base::Digest& digest) {
  return base::concat(url, "@sha256=", digest.hex());
}

std::string file_name(std::size_t number) {
  return base::concat("signature-", number);
}

std::optional<std::string> fetch(HttpClient& http, const std::string& url, const TlsSettings& tls) {
  HttpRequest request;
  request.url = parse_url(url);
  request.tls = tls;
  HttpResponse response = http.send(request);
  if (response.status() == 404) {
    response.discard();
    return std::nullopt;
  }
  if (response.status() != 200)
    throw base::make_error(base::ErrorKind::network, "fetching the signature ", base::quoted(url),
                           ": the server answers ", response.status());
  return response.read_all(max_signature_bytes, "signature");
}

/// @param read_one  From a number to the signature, or nothing behind the last.
template <class Read>
std::vector<std::string> read_all_of(const Read& read_one) {
  std::vector<std::string> signatures;
  for (std::size_t number = 1; number <= max_lookaside_signatures; ++number) {
    std::optional<std::string> signature = read_one(number);
    if (!signature) return signatures;
    signatures.push_back(std::move(*signature));
  }
  return signatures;
}

}  // namespace

std::vector<std::string> read_signature_files(const std::string& folder) {
  return read_all_of([&](std::size_t number) {
    return base::try_read_host_file(base::concat(folder, '/', file_name(number)), max_signature_bytes);
  });
}

std::vector<std::string> read_lookaside(const std::string& url, const oci::Reference& image, const base::Digest& digest,
                                        const RegistryOptions& options) {
  const std::string folder = folder_of(url, digest);
  if (folder.starts_with(file_scheme)) return read_signature_files(folder.substr(file_scheme.size()));
  if (!folder.starts_with("http://") && !folder.starts_with("https://"))
    throw base::make_error(base::ErrorKind::invalid_argument, "signatures are kept at ", base::quoted(url),
                           ", which is no file, http or https URL");
  HttpClient http(http_settings(options));
  const TlsSettings tls = load_tls_settings(image.domain(), options.tls_verify.value_or(true), options);
  return read_all_of(
      [&](std::size_t number) { return fetch(http, base::concat(folder, '/', file_name(number)), tls); });
}

std::string write_signature_file(const std::string& folder, const std::string& signature) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw base::make_error(base::ErrorKind::permission, "making the folder ", base::quoted(folder), ": ",
                           failed.message());
  const std::vector<std::string> there = read_signature_files(folder);
  const auto same = std::find(there.begin(), there.end(), signature);
  const auto number = static_cast<std::size_t>(same - there.begin()) + 1;
  std::string path = base::concat(folder, '/', file_name(number));
  if (same != there.end()) return path;
  if (number > max_lookaside_signatures)
    throw base::make_error(base::ErrorKind::unsupported, base::quoted(folder), " has too many signatures");
  const base::UniqueFd directory = base::open_directory(AT_FDCWD, folder);
  if (!base::create_file_exclusively(directory.get(), file_name(number), signature, base::Durability::flushed,
                                     readable_by_all))
    throw base::make_error(base::ErrorKind::in_use, base::quoted(path), " was written by somebody else meanwhile");
  return path;
}

std::string write_lookaside(const std::string& url, const base::Digest& digest, const std::string& signature) {
  if (!url.starts_with(file_scheme))
    throw base::make_error(base::ErrorKind::unsupported, "signatures cannot be written to ", base::quoted(url))
        .with_hint("lookaside-staging in registries.d names a file:// URL to write to; containers-registries.d(5)");
  return write_signature_file(folder_of(url, digest).substr(file_scheme.size()), signature);
}

}  // namespace registry
