#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cmd/oci_words.hpp"

// checkpoint and restore are done by criu(8), a program of its own; here is what both verbs tell it.

namespace cmd {

/// One call of criu.
struct CriuCall {
  std::string verb;                      ///< "dump", "pre-dump", "restore"
  std::vector<std::string> words;        ///< Its options.
  std::vector<std::pair<int, int>> fds;  ///< (ours, criu's number)
};

/// Where checkpoint and log are: --image-path and --work-path, both absolute. Made when absent.
struct CriuFolders {
  std::string images;
  std::string work;
};
CriuFolders criu_folders(const OciWords& words);

/// Runs it to its end. @throws Error unsupported when criu is not installed; internal with the first error of its log.
void run_criu(CriuCall call, const OciWords& words, const CriuFolders& folders);

/// What a checkpoint says besides criu's own files: how the container hung together with its surroundings.
struct CriuLinks {
  std::vector<std::string> descriptors;  ///< criu's names of descriptors 0, 1, 2: "pipe:[123]".
  std::vector<std::string> mounts;       ///< Mount points whose source is the host's.
};
void write_criu_links(const CriuFolders& folders, const CriuLinks& links);
CriuLinks read_criu_links(const CriuFolders& folders);

}  // namespace cmd
