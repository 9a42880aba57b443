#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "engine/image_views.hpp"

namespace cmd {
namespace {

struct MountWords {
  std::vector<std::string> images;
  std::string format;
  bool all = false;
  bool force = false;
};

std::vector<std::string> ids_of(const std::vector<engine::MountedImage>& images) {
  std::vector<std::string> ids;
  for (const engine::MountedImage& image : images) ids.push_back(image.id);
  return ids;
}

std::string json_text(const std::vector<engine::MountedImage>& images) {
  base::JsonWriter json{4};
  json.begin_array();
  for (const engine::MountedImage& image : images) {
    json.begin_object().member("id", image.id);
    json.key("Names").begin_array().value(image.digest).end_array();
    json.member("Repositories", image.names).member("mountpoint", image.path).end_object();
  }
  json.end_array();
  return json.take();
}

void show(const std::vector<engine::MountedImage>& images, Format format) {
  if (format == Format::json) return print_line(json_text(images));
  for (const engine::MountedImage& image : images)
    print_line(base::concat(image.names.empty() ? shown_id(image.id, false) : image.names.front(), "  ", image.path));
}

int mount(Invocation& invocation, const MountWords& words) {
  const Format format = parse_format(words.format);
  std::vector<engine::MountedImage> mounted;
  if (words.images.empty() && !words.all) {
    show(engine::mounted_images(invocation.engine()), format);
    return 0;
  }
  const auto names = words.all ? engine::image_ids(invocation.engine()) : words.images;
  const int code = for_each_name(
      names, [&](const std::string& name) { mounted.push_back(engine::mount_image(invocation.engine(), name)); });
  if (format == Format::people && mounted.size() == 1 && names.size() == 1)
    print_line(mounted.front().path);
  else
    show(mounted, format);
  return code;
}

}  // namespace

Action declare_image_mount(OptionTable& table) {
  const auto words = std::make_shared<MountWords>();
  table.flag("all", 'a', words->all, "Mount all images");
  table.text("format", 0, "FORMAT", words->format, "json for scripts");
  table.words("IMAGE", words->images, 0, "Names or ids; without any, what is mounted is shown").completes =
      Completes::images;
  return [words](Invocation& invocation) { return mount(invocation, *words); };
}

Action declare_image_unmount(OptionTable& table) {
  const auto words = std::make_shared<MountWords>();
  table.flag("all", 'a', words->all, "Unmount all images");
  table.flag("force", 'f', words->force, "Unmount also what is in use, which is what happens anyway");
  table.words("IMAGE", words->images, 0, "Names or ids").completes = Completes::images;
  return [words](Invocation& invocation) {
    if (words->images.empty() && !words->all)
      throw base::Error(base::ErrorKind::invalid_argument, "image name or id must be specified")
          .with_hint("engine image unmount --all");
    const auto names = words->all ? ids_of(engine::mounted_images(invocation.engine())) : words->images;
    return for_each_name(names, [&](const std::string& name) {
      if (const auto id = engine::unmount_image(invocation.engine(), name)) print_line(*id);
    });
  };
}

}  // namespace cmd
