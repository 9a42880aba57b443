#include "engine/exec_ids.hpp"

#include <algorithm>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "base/text.hpp"

namespace engine {

namespace {

constexpr std::string_view prefix = "exec-";
constexpr std::size_t max_file_bytes = 128;

/// Nothing for one that is being written.
std::optional<base::ProcessIdentity> read_process(const storage::ContainerDir& container, const std::string& name) {
  const auto text = base::try_read_file(container.dir.get(), name, max_file_bytes);
  if (!text || !text->ends_with('\n')) return std::nullopt;
  const auto words = base::split(base::trim(*text), ' ');
  if (words.size() != 3) return std::nullopt;
  const auto pid = base::parse_unsigned(words[0]), start = base::parse_unsigned(words[1]),
             inode = base::parse_unsigned(words[2]);
  if (!pid || !start || !inode) return std::nullopt;
  return base::ProcessIdentity{static_cast<pid_t>(*pid), *start, *inode};
}

}  // namespace

std::string exec_file(const std::string& id) {
  return base::concat(prefix, id);
}

void note_exec(const storage::ContainerDir& container, const std::string& id, pid_t pid) {
  const base::ProcessIdentity process = base::identify_or_none(pid);
  const base::UniqueFd file{
      ::openat(container.dir.get(), exec_file(id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  const std::string text = base::concat(process.pid, ' ', process.start_time, ' ', process.inode, '\n');
  // On a full disk it is not listed; it runs already.
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    base::log(base::LogLevel::debug, "a process of exec is not noted: ", base::os_error("writing").message());
}

void forget_exec(const storage::ContainerDir& container, const std::string& id) noexcept {
  ::unlinkat(container.dir.get(), exec_file(id).c_str(), 0);  // what stays, or went with the container, harms nobody
}

std::vector<std::string> running_execs(const storage::ContainerDir& container) {
  std::vector<std::string> ids;
  for (const std::string& name : base::list_directory(container.dir.get(), ".")) {
    if (!name.starts_with(prefix)) continue;
    const auto process = read_process(container, name);
    if (!process) continue;
    if (base::open_process(*process))
      ids.push_back(name.substr(prefix.size()));
    else
      base::unlink_file(container.dir.get(), name);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace engine
