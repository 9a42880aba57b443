#include "registry/policy.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "registry/base64.hpp"

namespace registry {
namespace {

constexpr std::size_t max_policy_bytes = 1024 * 1024;

using Names = std::initializer_list<std::string_view>;

void allow_only(const base::JsonAt& object, Names names) {
  for (const auto& [name, value] : object.members())
    if (std::find(names.begin(), names.end(), name) == names.end()) throw value.error("is not known here");
}

SignedIdentity parse_identity(const base::JsonAt& json) {
  using Kind = SignedIdentity::Kind;
  const std::string type = json.at("type").string();
  if (type == "exactReference") {
    allow_only(json, {"type", "dockerReference"});
    return {Kind::given_reference, oci::Reference::parse(json.at("dockerReference").string()).to_string(), {}};
  }
  if (type == "exactRepository") {
    allow_only(json, {"type", "dockerRepository"});
    return {Kind::given_repository, oci::Reference::parse(json.at("dockerRepository").string()).repository(), {}};
  }
  if (type == "remapIdentity") {
    allow_only(json, {"type", "prefix", "signedPrefix"});
    return {Kind::remapped, json.at("prefix").string(), json.at("signedPrefix").string()};
  }
  allow_only(json, {"type"});
  if (type == "matchExact") return {Kind::exact, {}, {}};
  if (type == "matchRepoDigestOrExact") return {Kind::repository_for_digests, {}, {}};
  if (type == "matchRepository") return {Kind::repository, {}, {}};
  throw json.at("type").error("is not known");
}

std::string decode_key(const base::JsonAt& json) {
  auto text = base64_decode(json.string());
  if (!text) throw json.error("is not base64");
  return std::move(*text);
}

void require_one_of(const base::JsonAt& json, Names names) {
  if (std::count_if(names.begin(), names.end(), [&](std::string_view name) { return json.has(name); }) != 1)
    throw json.error(
        base::concat("needs exactly one of ", base::join(std::vector<std::string>(names.begin(), names.end()), ", ")));
}

/// A key of ours; certificates of Fulcio and logs of Rekor are not supported, and then nothing is accepted.
PolicyRequirement parse_sigstore(const base::JsonAt& json) {
  allow_only(json, {"type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki", "rekorPublicKeyPath",
                    "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas", "signedIdentity"});
  PolicyRequirement result{.kind = PolicyRequirement::Kind::sigstore_signed,
                           .type = "sigstoreSigned",
                           .key_paths = json.strings_or_empty("keyPaths"),
                           .key_texts = {},
                           .identity = {}};
  if (const auto path = json.find("keyPath")) result.key_paths.push_back(path->string());
  if (const auto data = json.find("keyData")) result.key_texts.push_back(decode_key(*data));
  if (const auto list = json.find("keyDatas"))
    for (const base::JsonAt& data : list->array()) result.key_texts.push_back(decode_key(data));
  if (const auto identity = json.find("signedIdentity")) result.identity = parse_identity(*identity);
  require_one_of(json, {"keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"});
  for (const std::string_view name :
       {"fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"})
    if (json.has(name)) {
      result.kind = PolicyRequirement::Kind::not_supported;
      result.type += base::concat(" with ", name);
    }
  return result;
}

/// Simple signing: keys of GPG.
PolicyRequirement parse_signed_by(const base::JsonAt& json) {
  allow_only(json, {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"});
  PolicyRequirement result{.kind = PolicyRequirement::Kind::gpg_signed,
                           .type = "signedBy",
                           .key_paths = json.strings_or_empty("keyPaths"),
                           .key_texts = {},
                           .identity = {}};
  if (const auto path = json.find("keyPath")) result.key_paths.push_back(path->string());
  if (const auto data = json.find("keyData")) result.key_texts.push_back(decode_key(*data));
  if (const auto identity = json.find("signedIdentity")) result.identity = parse_identity(*identity);
  require_one_of(json, {"keyPath", "keyPaths", "keyData"});
  const std::string key_type = json.at("keyType").string();
  const Names known{"GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"};
  if (std::find(known.begin(), known.end(), key_type) == known.end()) throw json.at("keyType").error("is not known");
  if (key_type == "GPGKeys") return result;
  result.kind = PolicyRequirement::Kind::not_supported;
  result.type += base::concat(" with ", key_type);
  return result;
}

PolicyRequirement parse_requirement(const base::JsonAt& json) {
  using Kind = PolicyRequirement::Kind;
  const std::string type = json.at("type").string();
  if (type == "sigstoreSigned") return parse_sigstore(json);
  if (type == "signedBy") return parse_signed_by(json);
  allow_only(json, {"type"});
  if (type == "insecureAcceptAnything")
    return {.kind = Kind::accept, .type = type, .key_paths = {}, .key_texts = {}, .identity = {}};
  if (type == "reject") return {.kind = Kind::reject, .type = type, .key_paths = {}, .key_texts = {}, .identity = {}};
  throw json.at("type").error("is not known");
}

PolicyRequirements parse_requirements(const base::JsonAt& json) {
  PolicyRequirements requirements;
  for (const base::JsonAt& one : json.array()) requirements.push_back(parse_requirement(one));
  if (requirements.empty()) throw json.error("is empty: insecureAcceptAnything asks for nothing");
  return requirements;
}

bool is_prefix(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  return text.size() == prefix.size() || text[prefix.size()] == '/' || text[prefix.size()] == ':';
}

}  // namespace

Policy parse_policy(std::string_view json, const std::string& file) {
  try {
    const base::JsonAt root = base::JsonAt::parse(json, file, {max_policy_bytes, 16});
    allow_only(root, {"default", "transports"});
    Policy policy{.fallback = parse_requirements(root.at("default")), .transports = {}};
    const auto transports = root.find("transports");
    if (!transports) return policy;
    for (const auto& [transport, scopes] : transports->members())
      for (const auto& [scope, requirements] : scopes.members())
        policy.transports[transport].emplace(scope, parse_requirements(requirements));
    return policy;
  } catch (const base::Error& error) {
    throw base::Error(base::ErrorKind::invalid_argument, error.message(),
                      "containers-policy.json(5) describes the file; nothing is accepted until it is right");
  }
}

FoundRequirements find_requirements(const Policy& policy, const std::string& transport,
                                    const std::vector<std::string>& scopes) {
  const auto found = policy.transports.find(transport);
  if (found == policy.transports.end()) return {&policy.fallback, "default"};
  const std::map<std::string, PolicyRequirements>& by_scope = found->second;
  for (const std::string& scope : scopes)
    if (const auto entry = by_scope.find(scope); entry != by_scope.end())
      return {&entry->second, base::concat(transport, ":", scope)};
  if (const auto entry = by_scope.find(""); entry != by_scope.end()) return {&entry->second, transport + ":"};
  return {&policy.fallback, "default"};
}

std::vector<std::string> policy_scopes(const oci::Reference& reference) {
  std::string scope = reference.repository();
  std::vector<std::string> scopes{reference.digest() ? base::concat(scope, "@", *reference.digest())
                                                     : base::concat(scope, ":", reference.tag())};
  for (std::size_t end = scope.size(); end != std::string::npos; end = scope.rfind('/', end - 1))
    scopes.push_back(scope.substr(0, end));
  const std::string& domain = reference.domain();
  for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1))
    scopes.push_back("*" + domain.substr(dot));
  return scopes;
}

std::vector<std::string> policy_scopes(const std::string& path, const std::string& tag) {
  std::vector<std::string> scopes;
  if (!tag.empty()) scopes.push_back(base::concat(path, ":", tag));
  for (std::size_t end = path.size(); end != 0 && end != std::string::npos; end = path.rfind('/', end - 1))
    scopes.push_back(path.substr(0, end));
  return scopes;
}

bool is_identity_accepted(const SignedIdentity& identity, const std::string& claimed,
                          const std::optional<oci::Reference>& image) {
  using Kind = SignedIdentity::Kind;
  if (!oci::Reference::is_qualified(claimed)) return false;
  const oci::Reference theirs = oci::Reference::parse(claimed);
  // A name without a tag means its repository, and never :latest: cosign writes such.
  const bool has_name = theirs.to_string() == claimed;
  if (identity.kind == Kind::given_reference) return has_name && theirs.to_string() == identity.first;
  if (identity.kind == Kind::given_repository) return theirs.repository() == identity.first;
  if (!image) return false;
  const auto is_for = [&](const oci::Reference& wanted) {
    if (wanted.digest()) return theirs.repository() == wanted.repository();
    return has_name && !theirs.digest() && theirs.to_string() == wanted.to_string();
  };
  if (identity.kind == Kind::exact) return !image->digest() && is_for(*image);
  if (identity.kind == Kind::repository) return theirs.repository() == image->repository();
  const std::string name = image->to_string();
  if (identity.kind == Kind::repository_for_digests || !is_prefix(name, identity.first)) return is_for(*image);
  return is_for(oci::Reference::parse(identity.second + name.substr(identity.first.size())));
}

}  // namespace registry
