#include "engine/host_checks.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"

namespace engine {
namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;

}  // namespace

std::optional<std::string> HostView::read(const std::string& path) const {
  return base::try_read_host_file(root + path, max_file_bytes);
}

std::optional<HostView::File> HostView::look(const std::string& path) const {
  struct stat info {};
  if (::stat((root + path).c_str(), &info) != 0) return std::nullopt;
  return File{info.st_uid, info.st_mode};
}

std::vector<std::string> HostView::list(const std::string& path) const {
  try {
    if (!base::try_open_directory(AT_FDCWD, root + path)) return {};
    return base::list_directory(AT_FDCWD, root + path);
  } catch (const base::Error&) {  // closed to us, as a folder of root's may be
    return {};
  }
}

std::string_view name_of(CheckStatus status) {
  switch (status) {
    case CheckStatus::ok:
      return "ok";
    case CheckStatus::note:
      return "note";
    case CheckStatus::warning:
      return "warning";
    case CheckStatus::problem:
      return "problem";
  }
  return "";
}

std::vector<HostCheck> host_checks() {
  std::vector<HostCheck> all;
  for (const auto* topic :
       {&id_checks(), &namespace_checks(), &storage_checks(), &session_checks(), &network_checks(), &config_checks()})
    all.insert(all.end(), topic->begin(), topic->end());
  return all;
}

CheckResult run_check(const HostCheck& check, const HostView& host) {
  try {
    return check.run(host);
  } catch (const base::Error& error) {
    return {.status = CheckStatus::warning,
            .evidence = base::concat("this could not be looked at: ", error.message()),
            .consequence = "",
            .remedy = error.hint(),
            .script = ""};
  }
}

}  // namespace engine
