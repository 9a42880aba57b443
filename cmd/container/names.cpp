#include "cmd/container/names.hpp"

#include <fcntl.h>
#include <optional>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace cmd {
namespace {

constexpr std::size_t max_cidfile_bytes = 4096;

/// Nothing for a file that is not there, when that may be.
std::optional<std::string> read_cidfile(const std::string& path, bool may_be_missing) {
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd && may_be_missing && errno == ENOENT) return std::nullopt;
  if (!fd) throw base::os_error("opening container id file ", base::quoted(path));
  const std::string text = base::with_context([&] { return base::read_to_end(fd.get(), max_cidfile_bytes); },
                                              "reading container id file ", base::quoted(path));
  return std::string{base::trim(text)};
}

/// Also with --all, which says nothing more.
std::vector<std::string> matching_ids(Invocation& invocation, const ContainerChoice& choice) {
  if (!choice.names.empty()) throw base::Error{base::ErrorKind::invalid_argument, "--filter takes no arguments"};
  std::vector<std::string> ids;
  for (const auto& one : engine::list_containers(invocation.engine(), {.all = true, .filters = choice.filters}))
    ids.push_back(one.id);
  return ids;
}

}  // namespace

void declare_cidfile_option(OptionTable& table, ContainerChoice& choice) {
  table.list("cidfile", 0, "FILE", choice.cidfiles, "Take the container's id from this file").offers(Completes::files);
}

void declare_latest_option(OptionTable& table, ContainerChoice& choice) {
  table.flag("latest", 'l', choice.latest, "Take the container that was created last");
}

void declare_filter_option(OptionTable& table, ContainerChoice& choice, char letter) {
  table.list("filter", letter, "KEY=VALUE", choice.filters, "Those that match, as in ps --filter, instead of names");
}

void declare_container_words(OptionTable& table, ContainerChoice& choice, Completes completes) {
  table.words("CONTAINER", choice.names, 0, "Names or ids; the beginning of an id is enough").completes = completes;
}

std::vector<std::string> chosen_names(Invocation& invocation, const ContainerChoice& choice) {
  if (!choice.filters.empty()) return matching_ids(invocation, choice);
  const bool names_some = !choice.names.empty() || !choice.cidfiles.empty() || choice.latest;
  if (choice.all && names_some) {
    throw base::Error{base::ErrorKind::invalid_argument, "--all goes without names of containers"};
  }
  if (!choice.all && !names_some) {
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(invocation.command_path),
                           " needs at least one CONTAINER")
        .with_hint(base::concat("see ", invocation.command_path, " --help"));
  }
  if (choice.latest && (!choice.names.empty() || !choice.cidfiles.empty()))
    throw base::Error{base::ErrorKind::invalid_argument, "--latest goes without names of containers"};
  if (choice.all) return engine::container_ids(invocation.engine());
  std::vector<std::string> names = choice.names;
  for (const std::string& path : choice.cidfiles)
    if (auto id = read_cidfile(path, choice.missing_files_too)) names.push_back(std::move(*id));
  if (choice.latest) names.push_back(latest_container(invocation));
  return names;
}

std::string latest_container(Invocation& invocation) {
  const auto found = engine::list_containers(invocation.engine(), {.all = true, .last = 1, .filters = {}});
  if (found.empty()) throw base::Error{base::ErrorKind::not_found, "there is no container"};
  return found.front().id;
}

}  // namespace cmd
