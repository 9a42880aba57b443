#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "registry/auth_file.hpp"
#include "registry/challenge.hpp"
#include "registry/policy.hpp"
#include "registry/rate_limit.hpp"
#include "registry/registries_conf.hpp"
#include "registry/registries_d.hpp"
#include "registry/retry.hpp"
#include "registry/short_names.hpp"
#include "registry/signature.hpp"
#include "registry/sigstore_key.hpp"

// What registries send and users configure: the first byte chooses the parser, the rest is its text. Each ends with a
// value or an Error; what has a form of its own to be written in reads as itself again.

namespace {

void check_reference(std::string_view text) {
  const oci::Reference reference = oci::Reference::parse(text);
  if (oci::Reference::parse(reference.to_string()) != reference) std::abort();
  if (registry::policy_scopes(reference).size() < 2) std::abort();
}

void check_headers(std::string_view text) {
  registry::describe_limit(
      {.retry_after = std::string{text}, .limit = std::string{text}, .remaining = {}, .source = std::string{text}}, {});
  const auto wait = registry::parse_retry_after(text, {});
  if (wait && wait->count() < 0) std::abort();
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_auth_file(std::string_view text) {
  registry::Credentials credentials;
  credentials.user = "ann";
  credentials.password = "secret";
  const std::string written = registry::add_to_auth_file(text, "auth.json", "example.com/team", credentials);
  if (!registry::remove_from_auth_file(written, "auth.json", "example.com/team")) std::abort();
}

void check_registries_d(std::string_view text) {
  registry::RegistriesD conf;
  registry::merge_registries_d(conf, text, "registries.d");
  registry::lookaside_url(conf, oci::Reference::parse("example.com/team/app:1"), registry::LookasideUse::reading);
}

void parse(char which, std::string_view text) {
  registry::RegistriesConf conf;
  switch (which) {
    case 'r':
      return check_reference(text);
    case 'w':
      registry::parse_challenges(text);
      return;
    case 'm':
      oci::parse_manifest(text, "", "manifest");
      return;
    case 'c':
      oci::parse_image_config(text, "config");
      return;
    case 't':
      // Outside of strings, toml++ 3.3 asks whether such a character is a blank by code that ends in
      // __builtin_unreachable: a wrong answer, and the end of a sanitized program.
      if (!is_ascii(text)) return;
      registry::merge_registries_conf(conf, text, "registries.conf");
      registry::pull_places(conf, oci::Reference::parse("example.com/team/app:1"));
      return;
    case 'a':
      return check_auth_file(text);
    case 'p':
      registry::parse_policy(text, "policy.json");
      return;
    case 's':
      registry::parse_signed_claim(text, registry::gpg_claim_type);
      return;
    case 'k':
      registry::open_sigstore_key(text, "");
      return;
    case 'd':
      return check_registries_d(text);
    case 'l':
      if (is_ascii(text)) registry::add_short_name_alias(text, "aliases", "app", oci::Reference::parse("a.io/app"));
      return;
    default:
      return check_headers(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  try {
    parse(bytes.front(), bytes.substr(1));
  } catch (const base::Error&) {  // what is refused is refused with a reason
  }
  return 0;
}
