#include "base/text.hpp"
#include "engine/quadlet_draft.hpp"

// [Volume], [Network], [Image], [Build]: services that make something once.

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;

bool is_url(std::string_view text) {
  constexpr std::string_view schemes[] = {"http://", "https://", "git://", "ssh://", "git@", "github.com/"};
  for (const std::string_view scheme : schemes)
    if (text.starts_with(scheme)) return true;
  return false;
}

void append(std::vector<std::string>& words, std::vector<std::string> more) {
  for (std::string& word : more) words.push_back(std::move(word));
}

/// Mount options of a volume with a device: o=…
std::string volume_mount_options(const QuadletDraft& draft) {
  std::vector<std::string> parts;
  if (const auto user = draft.last("User")) parts.push_back("uid=" + *user);
  if (const auto group = draft.last("Group")) parts.push_back("gid=" + *group);
  if (const UnitLine* options = draft.unit.file.last_line("Volume", "Options"); options && !options->value.empty()) {
    if (!draft.last("Device"))
      throw make_error(ErrorKind::invalid_argument, place_of(*options), ": Options= needs Device=");
    parts.push_back(options->value);
  }
  return base::join(parts, ",");
}

void append_volume_image(QuadletDraft& draft, std::vector<std::string>& words) {
  const UnitLine* image = draft.unit.file.last_line("Volume", "Image");
  if (image == nullptr || image->value.empty())
    throw make_error(ErrorKind::invalid_argument, draft.unit.path, ": Driver=image needs Image=");
  words.push_back(concat("--opt=image=", draft.image(*image)));
}

/// The context folder of a build, and where the service works.
std::string build_context(QuadletDraft& draft) {
  const UnitLine* line = draft.unit.file.last_line("Build", "SetWorkingDirectory");
  const std::string value = line == nullptr ? "" : line->value;
  const auto file = draft.last("File");
  std::string folder;
  if (value == "unit") {
    folder = draft.absolute(".");
  } else if (value == "file") {
    if (!file || is_url(*file))
      throw make_error(ErrorKind::invalid_argument, place_of(*line), ": SetWorkingDirectory=file needs File=");
    const std::string path = draft.absolute(*file);
    folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  } else if (!value.empty()) {
    return is_url(value) ? value : draft.absolute(value);
  }
  if (folder.empty() && !draft.unit.file.has("Service", "WorkingDirectory") && (!file || !file->starts_with('/')))
    throw make_error(ErrorKind::invalid_argument, draft.unit.path,
                     ": [Build] needs SetWorkingDirectory=, or File= with an absolute path");
  if (!folder.empty()) draft.service.add_default("Service", "WorkingDirectory", folder);
  return folder.empty() ? "" : ".";
}

}  // namespace

void draft_volume(QuadletDraft& draft) {
  std::vector<std::string> words{"volume", "create", "--ignore"};
  append(words, draft.options());
  if (draft.last("Driver") == "image") {
    append_volume_image(draft, words);
  } else {
    if (const auto device = draft.last("Device")) words.push_back(concat("--opt=device=", *device));
    if (const auto type = draft.last("Type")) words.push_back(concat("--opt=type=", *type));
    if (const std::string mount = volume_mount_options(draft); !mount.empty())
      words.push_back(concat("--opt=o=", mount));
    if (draft.last("Copy")) words.push_back(draft.boolean("Copy", true) ? "--opt=copy" : "--opt=nocopy");
  }
  append(words, draft.arguments());
  words.push_back(draft.unit.resource_name());
  draft.add_command("ExecStart", words);
  draft.set_oneshot();
}

void draft_network(QuadletDraft& draft) {
  std::vector<std::string> words{"network", "create", "--ignore"};
  append(words, draft.options());
  append(words, draft.arguments());
  words.push_back(draft.unit.resource_name());
  draft.add_command("ExecStart", words);
  if (draft.boolean("NetworkDeleteOnStop", false))
    draft.add_command("ExecStopPost", {"network", "rm", draft.unit.resource_name()});
  draft.set_oneshot();
}

void draft_image(QuadletDraft& draft) {
  const auto image = draft.last("Image");
  if (!image) throw make_error(ErrorKind::invalid_argument, draft.unit.path, ": [Image] needs Image=");
  std::vector<std::string> words{"image", "pull"};
  append(words, draft.options());
  append(words, draft.arguments());
  words.push_back(*image);
  draft.add_command("ExecStart", words);
  draft.set_oneshot();
}

void draft_build(QuadletDraft& draft) {
  if (!draft.last("ImageTag"))
    throw make_error(ErrorKind::invalid_argument, draft.unit.path, ": [Build] needs ImageTag=");
  std::vector<std::string> words{"build"};
  append(words, draft.options());
  draft.append_networks(words, false);
  draft.append_volumes(words);
  const std::string context = build_context(draft);
  if (const auto file = draft.last("File"))
    words.push_back(concat("--file=", is_url(*file) || !context.empty() ? *file : draft.absolute(*file)));
  if (const auto file = draft.last("IgnoreFile")) words.push_back(concat("--ignorefile=", *file));
  append(words, draft.arguments());
  if (!context.empty()) words.push_back(context);
  draft.add_command("ExecStart", words);
  draft.set_oneshot();
}

}  // namespace engine
