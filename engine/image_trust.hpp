#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/remote.hpp"

// image trust and image sign. Only in engine-transfer.

namespace engine {

struct SignOptions {
  std::string image;      ///< A name, or a transport and a place.
  std::string gpg_key;    ///< Fingerprint, or another word by which gpg finds the key.
  std::string directory;  ///< Where signatures go; empty: as registries.d says.
  bool all = false;       ///< Every image of a list, too.
  RemoteOptions remote;
};
/// Writes signatures of an image that is published already. Returns their paths.
std::vector<std::string> sign_image(Engine& engine, const SignOptions& options);

struct TrustFiles {
  std::string policy;      ///< Empty: the one that counts.
  std::string registries;  ///< Folder of registries.d; likewise.
};

/// One requirement of policy.json, in podman's words.
struct TrustEntry {
  std::string transport;  ///< "all", "repository", "dir", …
  std::string name;       ///< "default", "quay.io/team"; empty: of the whole transport.
  std::string type;       ///< accept, reject, signed, sigstoreSigned
  std::string keys;       ///< Whose they are, as gpg knows it; "N/A" for keys that say nothing.
  std::string store;      ///< Where signatures are read from; empty: at the default place.
};
std::vector<TrustEntry> show_trust(Engine& engine, const TrustFiles& files);
/// The file as it is. @throws Error not_found, when there is none.
std::string raw_trust(Engine& engine, const TrustFiles& files);

struct SetTrustOptions {
  std::string scope;  ///< "default", "quay.io/team", "*.io".
  std::string type;   ///< accept, reject, signedBy, sigstoreSigned
  std::vector<std::string> key_files;
  TrustFiles files;
};
/// Replaces what policy.json asks for at one place. An ordinary user's goes to the user's own file, which begins as a
/// copy of the one that counts. @throws Error invalid_argument, not_found (a key), permission.
void set_trust(Engine& engine, const SetTrustOptions& options);

}  // namespace engine
