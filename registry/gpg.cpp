#include "registry/gpg.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace registry {
namespace {

constexpr std::size_t max_content_bytes = 1024 * 1024, max_status_bytes = 256 * 1024;
constexpr std::chrono::seconds patience{60};
/// A person may have to find the passphrase.
constexpr std::chrono::seconds patience_with_people{600};

std::string find_gpg() {
  if (auto path = base::find_program("gpg")) return std::move(*path);
  throw base::Error(base::ErrorKind::unsupported, "signatures by GPG need the program gpg, which is not installed")
      .with_hint("apt install gpg");
}

/// What --status-fd printed, a list of words a line, without "[GNUPG:]".
using Status = std::vector<std::vector<std::string>>;

Status parse_status(std::string_view text) {
  constexpr std::string_view mark = "[GNUPG:] ";
  Status lines;
  for (const std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(mark)) continue;
    std::vector<std::string> words;
    for (const std::string_view word : base::split(line.substr(mark.size()), ' ')) words.emplace_back(word);
    lines.push_back(std::move(words));
  }
  return lines;
}

std::size_t count(const Status& status, std::string_view keyword) {
  return static_cast<std::size_t>(
      std::count_if(status.begin(), status.end(), [&](const auto& words) { return words.front() == keyword; }));
}

/// Words that never stand beside one good signature.
std::string_view fault_in(const Status& status) {
  constexpr std::pair<std::string_view, std::string_view> faults[] = {
      {"BADSIG", "it is not for these bytes"},
      {"EXPKEYSIG", "its key has expired"},
      {"REVKEYSIG", "its key was revoked"},
      {"EXPSIG", "it has expired"},
      {"NO_PUBKEY", "it was made with another key"},
      {"ERRSIG", "it cannot be checked"},
      {"UNEXPECTED", "it holds more than a signed message"}};
  for (const auto& [keyword, meaning] : faults)
    if (count(status, keyword) > 0) return meaning;
  const bool is_one = count(status, "NEWSIG") == 1 && count(status, "GOODSIG") == 1 && count(status, "VALIDSIG") == 1;
  return is_one && count(status, "PLAINTEXT") == 1 ? "" : "it is not one signed message";
}

/// gpg with a folder of ours: no options, no agent, no network, no web of trust.
base::Output run_apart(const std::string& program, const std::string& folder, std::vector<std::string> words) {
  base::Command command;
  command.path = program;
  command.argv = {"gpg",
                  "--homedir",
                  folder,
                  "--no-options",
                  "--batch",
                  "--no-tty",
                  "--no-autostart",
                  "--disable-dirmngr",
                  "--no-auto-key-retrieve",
                  "--trust-model",
                  "always",
                  "--status-fd",
                  "1"};
  for (std::string& word : words) command.argv.push_back(std::move(word));
  command.env = std::vector<std::string>{"LC_ALL=C"};
  command.null_stdin = true;
  return base::run_and_capture(command, patience, max_status_bytes);
}

}  // namespace

GpgKeys::GpgKeys(const std::vector<std::string>& keys) : program_(find_gpg()) {
  for (const std::string& key : keys) {
    base::write_file_atomically(folder_.fd(), "key", key, base::Durability::volatile_);
    const base::Output output = run_apart(program_, folder_.path(),
                                          {"--import-options", "keep-ownertrust", "--import", folder_.path() + "/key"});
    const std::size_t before = fingerprints_.size();
    bool was_known = false;
    for (const auto& words : parse_status(output.out))
      if (words.front() == "IMPORT_OK" && words.size() == 3) was_known = !fingerprints_.insert(words[2]).second;
    if (fingerprints_.size() == before && !was_known)
      throw base::Error(base::ErrorKind::invalid_argument, "a key for signatures is not a public key of GPG");
  }
}

GpgKeys::Verdict GpgKeys::verify(std::string_view message) const {
  // Only packets. Around armored and clear-signed text gpg reads past what nobody signed.
  if (message.empty() || (static_cast<unsigned char>(message.front()) & 0x80) == 0)
    return {.content = {}, .signer = {}, .fault = "it is not one signed message"};
  base::write_file_atomically(folder_.fd(), "message", message, base::Durability::volatile_);
  base::unlink_file(folder_.fd(), "content");
  const base::Output output = run_apart(program_, folder_.path(),
                                        {"--max-output", base::concat(max_content_bytes), "--output",
                                         folder_.path() + "/content", "--verify", folder_.path() + "/message"});
  const Status status = parse_status(output.out);
  Verdict verdict;
  verdict.fault = fault_in(status);
  if (verdict.fault.empty() && output.status.code != 0) verdict.fault = "it cannot be checked";
  if (!verdict.fault.empty()) return verdict;
  for (const auto& words : status)
    if (words.front() == "VALIDSIG") verdict.signer = words.back();  // of the primary key, whichever subkey signed
  if (fingerprints_.count(verdict.signer) == 0)
    return {.content = {}, .signer = {}, .fault = "it was made with another key"};
  verdict.content = base::read_file(folder_.fd(), "content", max_content_bytes);
  return verdict;
}

std::vector<std::string> GpgKeys::user_ids() const {
  const base::Output output = run_apart(program_, folder_.path(), {"--with-colons", "--list-keys"});
  std::vector<std::string> ids;
  for (const std::string_view line : base::split(output.out, '\n')) {
    const auto fields = base::split(line, ':');
    if (fields.size() < 10 || fields[0] != "uid") continue;
    const std::string_view id = fields[9];
    const std::size_t open = id.rfind('<'), close = id.rfind('>');
    const bool has_mail = open != std::string_view::npos && close != std::string_view::npos && open < close;
    ids.emplace_back(has_mail ? id.substr(open + 1, close - open - 1) : id);
  }
  return ids;
}

std::string sign_with_gpg(std::string_view content, const std::string& key,
                          const std::optional<std::string>& passphrase) {
  const base::TempDir folder;
  base::write_file_atomically(folder.fd(), "content", content, base::Durability::volatile_);
  base::Command command;
  command.path = find_gpg();
  command.argv = {"gpg", "--quiet", "--local-user", key, "--output", folder.path() + "/message"};
  base::Pipe secret;
  if (passphrase) {
    secret = base::make_pipe();  // it holds 64 KiB, so this cannot block
    base::write_all(secret.write_end.get(), *passphrase);
    secret.write_end.reset();
    command.fds = {{secret.read_end.get(), 3}};
    for (const char* word : {"--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "3"})
      command.argv.emplace_back(word);
  }
  for (const std::string& word : {std::string{"--sign"}, folder.path() + "/content"}) command.argv.push_back(word);
  const base::Output output = base::run_and_capture(command, patience_with_people, max_status_bytes);
  if (output.status.code != 0)
    throw base::make_error(base::ErrorKind::not_found, "gpg cannot sign as ", base::quoted(key), ": ",
                           base::quoted(base::trim(output.err)))
        .with_hint("gpg --list-secret-keys shows the keys there are");
  return base::read_file(folder.fd(), "message", max_content_bytes);
}

}  // namespace registry
