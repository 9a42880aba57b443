#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "registry/certificates.hpp"

namespace {

void write(const base::TempDir& dir, const std::string& folder, const std::string& name, const char* text) {
  const base::UniqueFd fd = base::make_directories(dir.fd(), folder);
  base::write_file_atomically(fd.get(), name, text, base::Durability::volatile_);
}

}  // namespace

TEST_CASE("the first certs.d folder that knows the host with its port is used") {
  const base::TempDir dir;
  write(dir, "user/other:5000", "ca.crt", "OTHER");
  write(dir, "system/host:5000", "a.crt", "AAA");
  write(dir, "system/host:5000", "b.crt", "BBB");
  write(dir, "system/host:5000", "readme.txt", "CCC");
  write(dir, "system/host:5000", "client.cert", "CERT");
  write(dir, "system/host:5000", "client.key", "KEY");
  registry::RegistryOptions options;
  options.certs_dirs = {dir.path() + "/user", dir.path() + "/system"};
  const registry::TlsSettings tls = registry::load_tls_settings("host:5000", true, options);
  CHECK(tls.verify);
  CHECK(tls.authorities == "AAA\nBBB\n");
  CHECK(tls.client_certificate == dir.path() + "/system/host:5000/client.cert");
  CHECK(tls.client_key == dir.path() + "/system/host:5000/client.key");
  CHECK(tls.advice_folder == dir.path() + "/user/host:5000");
  CHECK(registry::load_tls_settings("host", true, options).authorities.empty());
}

TEST_CASE("--cert-dir replaces certs.d and must exist; a certificate needs its key") {
  const base::TempDir dir;
  write(dir, "mine", "x.crt", "MINE");
  write(dir, "bad", "x.cert", "CERT");
  registry::RegistryOptions options;
  options.certs_dirs = {dir.path()};
  options.cert_dir = dir.path() + "/mine";
  CHECK(registry::load_tls_settings("bad", true, options).authorities == "MINE\n");
  options.cert_dir = dir.path() + "/absent";
  CHECK_THROWS_AS(registry::load_tls_settings("bad", true, options), base::Error);
  options.cert_dir.clear();
  CHECK_THROWS_AS(registry::load_tls_settings("bad", true, options), base::Error);
}
