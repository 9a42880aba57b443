#include "cmd/systemd/store_words.hpp"

namespace cmd {

std::vector<std::string> store_words(const engine::GlobalOptions& globals) {
  std::vector<std::string> words;
  if (!globals.root.empty()) words.push_back("--root=" + globals.root);
  if (!globals.runroot.empty()) words.push_back("--runroot=" + globals.runroot);
  if (!globals.storage_driver.empty()) words.push_back("--storage-driver=" + globals.storage_driver);
  for (const std::string& option : globals.storage_options) words.push_back("--storage-opt=" + option);
  return words;
}

}  // namespace cmd
