#include "cmd/oci_criu.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/process.hpp"

namespace cmd {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

constexpr const char* links_file = "engine.json";
constexpr std::size_t max_links_bytes = 1024 * 1024;
constexpr std::size_t max_log_bytes = 256 * 1024 * 1024;

std::string absolute_folder(const std::string& path) {
  base::make_directories(AT_FDCWD, path);
  std::array<char, PATH_MAX> absolute{};
  if (::realpath(path.c_str(), absolute.data()) == nullptr) throw base::os_error("opening ", base::quoted(path));
  return absolute.data();
}

std::string log_name(const CriuCall& call) {
  return call.verb == "restore" ? "restore.log" : "dump.log";
}

/// The last line that says what went wrong; earlier ones may be about what criu can do without.
std::string last_error(const CriuFolders& folders, const std::string& name) {
  const base::UniqueFd work = base::open_directory(AT_FDCWD, folders.work);
  const auto text = base::try_read_file(work.get(), name, max_log_bytes);
  std::string found;
  if (!text) return found;
  for (const std::string_view line : base::split(*text, '\n')) {
    const std::size_t begin = line.find("Error (");
    const std::size_t end = begin == std::string_view::npos ? begin : line.find("): ", begin);
    if (end != std::string_view::npos && !line.ends_with("FAILED.")) found = concat(": ", line.substr(end + 3));
  }
  return found;
}

/// Options that mean the same to criu, which has its own words for some.
void add_common_words(std::vector<std::string>& argv, const OciWords& words) {
  for (const char* name : {"tcp-established", "ext-unix-sk", "shell-job", "file-locks", "auto-dedup"})
    if (words.has(name)) argv.push_back(concat("--", name));
  for (const char* name : {"lsm-profile", "lsm-mount-context"})
    if (const auto value = words.value(name)) argv.insert(argv.end(), {concat("--", name), *value});
  for (const std::string& name : words.values("empty-ns"))
    argv.insert(argv.end(), {"--empty-ns", name == "network" ? "net" : name});
  for (const char* name : {"lazy-pages", "page-server", "status-fd"})
    if (words.has(name)) throw make_error(ErrorKind::unsupported, "--", name, " is not supported");
}

}  // namespace

CriuFolders criu_folders(const OciWords& words) {
  const std::string images = absolute_folder(words.value_or("image-path", "checkpoint"));
  return {.images = images, .work = absolute_folder(words.value_or("work-path", images))};
}

void run_criu(CriuCall call, const OciWords& words, const CriuFolders& folders) {
  const auto program = base::find_program("criu");
  if (!program)
    throw make_error(ErrorKind::unsupported, "checkpoints need criu, which is not installed")
        .with_hint("install the package criu");
  if (::geteuid() != 0)
    throw make_error(ErrorKind::permission, "checkpoints need root: criu is not for ordinary users");
  base::Command command{.path = *program, .argv = {"criu", call.verb}, .env = std::nullopt, .fds = std::move(call.fds)};
  std::vector<std::string>& argv = command.argv;
  argv.insert(argv.end(), {"--images-dir", folders.images, "--work-dir", folders.work});
  argv.insert(argv.end(), {"--log-file", log_name(call), "-v4"});
  argv.push_back(concat("--manage-cgroups=", words.value_or("manage-cgroups-mode", "ignore")));
  add_common_words(argv, words);
  argv.insert(argv.end(), call.words.begin(), call.words.end());
  const base::ExitStatus status = base::spawn(command).wait();
  if (status.code == 0) return;
  throw make_error(ErrorKind::internal, "criu ", call.verb, " failed", last_error(folders, log_name(call)))
      .with_hint(concat("see ", folders.work, '/', log_name(call)));
}

void write_criu_links(const CriuFolders& folders, const CriuLinks& links) {
  base::JsonWriter json;
  json.begin_object().member("version", 1).member("descriptors", links.descriptors);
  json.member("mounts", links.mounts).end_object();
  const base::UniqueFd images = base::open_directory(AT_FDCWD, folders.images);
  base::write_file_atomically(images.get(), links_file, json.text());
}

CriuLinks read_criu_links(const CriuFolders& folders) {
  const base::UniqueFd images = base::open_directory(AT_FDCWD, folders.images);
  const std::string text = base::read_file(images.get(), links_file, max_links_bytes);
  const auto json = base::JsonAt::parse(text, concat(folders.images, '/', links_file));
  if (json.at("version").unsigned_integer() != 1) throw json.at("version").error("is of another engine");
  return {.descriptors = json.at("descriptors").strings(), .mounts = json.at("mounts").strings()};
}

}  // namespace cmd
