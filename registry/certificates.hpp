#pragma once

#include <string>
#include <string_view>

#include "registry/http.hpp"
#include "registry/open_source.hpp"

namespace registry {

/// What to trust for `domain` ("host[:port]", compared literally): of --cert-dir, or of the first certs.d folder that
/// has one for it, every *.crt as an authority and the first *.cert with its *.key as client certificate.
/// @throws Error invalid_argument, for a *.cert without its *.key. Source: containers-certs.d(5).
TlsSettings load_tls_settings(std::string_view domain, bool verify, const RegistryOptions& options);

}  // namespace registry
