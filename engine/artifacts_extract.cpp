#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"
#include "engine/artifacts.hpp"
#include "storage/blobs.hpp"

// artifact extract: files of an artifact to a folder of the user's. Their names are a stranger's.

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 1024 * 1024;

/// A file and the name that it gets.
struct Placed {
  const ArtifactFile* file;
  std::string name;
};

void copy_checked(int from, int to, const ArtifactFile& file) {
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  base::Sha256 hash;
  while (true) {
    const ssize_t got = ::read(from, buffer.get(), piece_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading blob ", file.digest);
    if (got == 0) break;
    const std::string_view piece{buffer.get(), static_cast<std::size_t>(got)};
    hash.update(piece);
    base::write_all(to, piece);
  }
  if (hash.finish() != file.digest)
    throw base::make_error(base::ErrorKind::corrupt, "blob ", file.digest, " is damaged in the store");
}

/// Whether what has the name already is the very file. A link is not followed.
bool is_there_already(int folder, const Placed& placed) {
  const base::UniqueFd fd{::openat(folder, placed.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (static_cast<std::uint64_t>(info.st_size) != placed.file->size_bytes) return false;
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  base::Sha256 hash;
  while (const std::size_t got = base::read_some(fd.get(), buffer.get(), piece_bytes)) hash.update(buffer.get(), got);
  return hash.finish() == placed.file->digest;
}

/// What `name` means now is replaced, or, when a stranger chose the name, only with the user's consent.
enum class Existing { replaced, kept };

/// To a new file beside it, then by a rename: a link of that name is replaced, not followed.
void write_one(const storage::Store& store, int folder, const Placed& placed, mode_t mode, Existing existing) {
  if (existing == Existing::kept && is_there_already(folder, placed)) return;
  const auto blob = storage::open_blob(store, placed.file->digest);
  if (!blob)
    throw base::make_error(base::ErrorKind::corrupt, "the store has lost blob ", placed.file->digest)
        .with_hint("pull the artifact again");
  const std::string temporary = base::concat(".engine-", base::random_hex(8));
  const base::UniqueFd fd{
      ::openat(folder, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) throw base::os_error("creating a file for ", base::quoted(placed.name));
  auto discard = base::on_scope_exit([&] { ::unlinkat(folder, temporary.c_str(), 0); });
  copy_checked(blob->get(), fd.get(), *placed.file);
  if (::fchmod(fd.get(), mode) != 0) throw base::os_error("setting the mode of ", base::quoted(placed.name));
  if (existing == Existing::replaced) {
    base::rename_replace(folder, temporary, folder, placed.name);
  } else if (!base::rename_no_replace(folder, temporary, folder, placed.name)) {
    throw base::make_error(base::ErrorKind::already_exists, "there is another file ", base::quoted(placed.name))
        .with_hint("--force replaces it; with a file's name as PATH the artifact does not choose the name");
  }
  discard.cancel();
}

std::vector<const ArtifactFile*> chosen_files(const Artifact& artifact, const ExtractOptions& options) {
  if (!options.title.empty() && !options.digest.empty())
    throw base::Error(base::ErrorKind::invalid_argument, "--title and --digest exclude each other");
  std::vector<const ArtifactFile*> chosen;
  for (const ArtifactFile& file : artifact.files) {
    const bool is_meant = !options.title.empty()    ? file.title() == options.title
                          : !options.digest.empty() ? file.digest.text() == options.digest
                                                    : true;
    if (is_meant) chosen.push_back(&file);
  }
  if (chosen.empty())
    throw base::make_error(base::ErrorKind::not_found, "the artifact has no file ",
                           base::quoted(options.title.empty() ? options.digest : options.title))
        .with_hint(base::concat("engine artifact inspect ", artifact.name));
  return chosen;
}

/// The name of a file in the folder: its title, else its digest.
std::string name_of(const ArtifactFile& file) {
  const std::string title = file.title();
  if (title.empty()) return base::concat("sha256-", file.digest.hex());
  if (!is_plain_file_name(title))
    throw base::make_error(base::ErrorKind::invalid_argument, "the artifact calls a file ", base::quoted(title),
                           ", which is not a plain name")
        .with_hint("--digest with the name of a file writes it there");
  return title;
}

std::vector<Placed> place_in_folder(const std::vector<const ArtifactFile*>& files) {
  std::vector<Placed> placed;
  for (const ArtifactFile* file : files) {
    std::string name = name_of(*file);
    for (const Placed& other : placed)
      if (other.name == name)
        throw base::make_error(base::ErrorKind::invalid_argument, "the artifact calls two files ", base::quoted(name))
            .with_hint("--digest chooses one of them");
    placed.push_back({file, std::move(name)});
  }
  return placed;
}

/// The folder of `path`, and its last name.
std::pair<std::string, std::string> split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

base::UniqueFd open_folder(const std::string& path) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

bool is_plain_file_name(std::string_view title) {
  const auto is_plain = [](char c) { return c != '/' && static_cast<unsigned char>(c) >= ' ' && c != 0x7f; };
  return !title.empty() && title != "." && title != ".." && title.size() <= 255 &&
         std::all_of(title.begin(), title.end(), is_plain);  // a terminal would obey control bytes
}

std::vector<std::string> extract_artifact(Engine& engine, const ExtractOptions& options) {
  const Artifact artifact = require_artifact(engine, options.artifact);
  const std::vector<const ArtifactFile*> chosen = chosen_files(artifact, options);
  std::string folder = options.target;
  std::vector<Placed> placed;
  Existing existing = options.force ? Existing::replaced : Existing::kept;
  if (is_folder(options.target)) {
    placed = place_in_folder(chosen);
  } else {
    if (chosen.size() > 1)
      throw base::make_error(base::ErrorKind::invalid_argument, "the artifact has ", chosen.size(), " files, and ",
                             base::quoted(options.target), " is no folder")
          .with_hint("make the folder, or choose one file by --title or --digest");
    auto [parent, name] = split_path(options.target);
    if (!is_plain_file_name(name))
      throw base::make_error(base::ErrorKind::not_found, base::quoted(options.target), " is no folder");
    folder = parent;
    existing = Existing::replaced;  // the user named it
    placed.push_back({chosen.front(), name});
  }
  const base::UniqueFd target = open_folder(folder);
  std::vector<std::string> names;
  for (const Placed& one : placed) {
    write_one(engine.store(), target.get(), one, options.file_mode, existing);
    names.push_back(one.name);
  }
  return names;
}

}  // namespace engine
